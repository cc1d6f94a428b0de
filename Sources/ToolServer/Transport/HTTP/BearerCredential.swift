import Enforcement
import EventLoop
import JSON

/// The token of a request (RFC 6750, RFC 9449): in the header `Authorization` and nowhere else.
enum BearerCredential {
    struct Malformed: Error {
        let told: String
    }

    private static let bearer = Array("bearer".utf8)
    private static let proof = Array("dpop".utf8)

    /// A URL ends up in logs and histories; a client that sends its token there must notice.
    static func refuseQuery(_ request: HTTPRequest) throws(Malformed) {
        guard let query = request.query else { return }
        let names = query.utf8.split(separator: UInt8(ascii: "&")).map {
            $0.prefix { $0 != UInt8(ascii: "=") }
        }
        if names.contains(where: { $0.elementsEqual("access_token".utf8) }) {
            throw Malformed(
                told:
                    "A token in the URL is not accepted, and should no longer be used. Send a new one as `Authorization: Bearer TOKEN`."
            )
        }
    }

    /// Another scheme is no token, and says so little of the caller as nothing does. A certificate
    /// speaks for whoever sends no `Authorization` at all: beside a token, good or bad, the token
    /// decides.
    ///
    /// `isRehearsal`: the same request comes again, with its body.
    static func read(
        _ request: HTTPRequest, resource: String, isRehearsal: Bool = false
    ) throws(Malformed) -> Credential {
        guard let header = request.headers["authorization"] else {
            return request.peer.certificate.flatMap { ShownCertificate($0) }
                .map { .certificate($0) } ?? .none
        }
        let name = header.utf8.prefix { $0 != UInt8(ascii: " ") }
        let scheme = Array(name.map { $0 | 0x20 })
        guard scheme == bearer || scheme == proof else { return .none }
        let token = header.utf8[name.endIndex...].drop { $0 == UInt8(ascii: " ") }
        guard !token.isEmpty, token.allSatisfy(isTokenByte) else {
            throw Malformed(told: "Send one token, as `Authorization: Bearer TOKEN`.")
        }
        var showing = Showing()
        showing.certificate = request.peer.certificate.flatMap { Digest32($0.thumbprint) }
        if scheme == proof {
            showing.scheme = .proof
            showing.proofs = request.headers.values("dpop")
            showing.method = request.method
            showing.url = resource
            showing.isRehearsal = isRehearsal
        }
        return .bearer(String(Substring(token)), shown: showing)
    }

    /// RFC 6750 2.1, `b64token`.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~+/=".utf8.contains(byte)
        }
    }
}

extension ShownCertificate {
    init?(_ certificate: TLSPeerCertificate) {
        guard let thumbprint = Digest32(certificate.thumbprint) else { return nil }
        let named: [(CertificateName.Kind, [[UInt8]])] = [
            (.distinguishedName, [Array(certificate.subject.utf8)]), (.uri, certificate.uris),
            (.dns, certificate.dnsNames), (.email, certificate.emails),
            (.address, certificate.addresses),
        ]
        self.init(
            thumbprint: thumbprint, serial: Name(certificate.serial),
            names: named.flatMap { kind, names in names.map { CertificateName(kind, $0) } },
            authorities: certificate.authorities.compactMap { Digest32($0) },
            notBefore: certificate.notBefore, notAfter: certificate.notAfter)
    }
}
