package import EventLoop
import JSON

/// The files of `http.tls`, by name. They are read where something is served over TLS, not where
/// the manifests are: whoever checks a policy or runs over stdio need not be able to read a key.
package struct TLSFiles: Sendable {
    package enum ClientCertificates: String, Sendable, CaseIterable {
        case none
        case optional
        case required
    }

    struct File: Sendable {
        let path: String
        /// Where it is named, with what is wrong still to be said.
        let place: Problem

        init(_ located: Located<String>) {
            path = located.value
            place = located.place.problem("")
        }

        func problem(_ message: String) -> ManifestError {
            var problem = place
            problem.message = message
            return ManifestError(problems: [problem])
        }

        func read() throws(ManifestError) -> [UInt8] {
            switch FileBytes.read(path) {
            case .success(let bytes): return bytes
            case .failure(let failure): throw problem("\(quoted(path)) \(failure.reason)")
            }
        }
    }

    let certificate: File
    let key: File
    let clientCA: File?
    let clientCertificates: ClientCertificates

    /// Everything that the files must be for a server to present itself.
    package func context() throws(ManifestError) -> TLSServerContext {
        let identity = TLSIdentity(chain: try certificate.read(), key: try key.read())
        let authorities = try clientCA?.read() ?? []
        let clients: TLSServerContext.ClientCertificates =
            switch clientCertificates {
            case .none: .none
            case .optional: .optional(authorities: authorities)
            case .required: .required(authorities: authorities)
            }
        do throws(TLSError) {
            return try TLSServerContext(identity, clientCertificates: clients)
        } catch {
            let file =
                switch error {
                case .badKey, .otherKey: key
                case .badAuthority: clientCA ?? certificate
                default: certificate
                }
            throw file.problem("\(error)")
        }
    }
}

/// Reads `http.tls`.
enum TLSManifest {
    static let keys = KeySet(
        required: ["certificate", "key"], optional: ["clientCA", "clientCertificates"])
    static let secretKeys = KeySet(
        required: ["file"], unserved: ["env": renewedTogether, "exec": renewedTogether])
    private static let renewedTogether =
        "use `file`, which is read again with the certificate on a reload"

    static func read(_ node: Node, under directory: String) -> TLSFiles? {
        guard let object = node.object(keys) else { return nil }
        let certificate = object["certificate"]?.located { $0.path(under: directory) }
        let key = object["key"]?.located { keyFile($0, under: directory) }
        let authorities = object["clientCA"]?.located { $0.path(under: directory) }
        let demand = demand(object, hasAuthorities: object["clientCA"] != nil)
        guard let certificate, let key, let demand else { return nil }
        return TLSFiles(
            certificate: TLSFiles.File(certificate), key: TLSFiles.File(key),
            clientCA: authorities.map { TLSFiles.File($0) }, clientCertificates: demand)
    }

    /// The value is never repeated in a message: it may be the key itself.
    private static func keyFile(_ node: Node, under directory: String) -> String? {
        guard case .object = node.value.content else {
            node.report("a secret must be a reference: {\"file\": …}")
            return nil
        }
        return node.object(secretKeys)?["file"]?.path(under: directory)
    }

    private static func demand(
        _ object: ObjectReader, hasAuthorities: Bool
    ) -> TLSFiles.ClientCertificates? {
        let words = TLSFiles.ClientCertificates.allCases.map(\.rawValue)
        guard let node = object["clientCertificates"] else {
            guard hasAuthorities else { return TLSFiles.ClientCertificates.none }
            object.node.report("`clientCA` needs `clientCertificates`: `optional` or `required`")
            return nil
        }
        guard let demand = node.choice(among: words).flatMap(TLSFiles.ClientCertificates.init)
        else { return nil }
        if (demand == .none) == hasAuthorities {
            node.report(
                demand == .none
                    ? "asks for no certificates, so that `clientCA` has no use; leave it out"
                    : "needs `clientCA`: the authorities that clients' certificates come from")
            return nil
        }
        return demand
    }
}
