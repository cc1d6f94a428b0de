import Backends
import Enforcement
import EventLoop
import JSON
import Synchronization

/// What one issuer says when it is asked: its metadata, its keys, and what an opaque token means.
///
/// The metadata must name the issuer that it was asked for, to the byte (RFC 8414 section 3.3), and
/// lead only to places where nobody can listen.
final class IssuerDocuments: Sendable {
    private let settings: ServerSettings.Issuer
    private let loop: EventLoop
    private let workers: WorkerPool
    private let names: any NameLookup
    private let client = Mutex<HTTPDocuments?>(nil)
    /// Where tokens are asked about, once that is known.
    private let endpoint = Mutex<HTTPURL?>(nil)
    private let lastFailure = Mutex("")

    init(
        _ settings: ServerSettings.Issuer, loop: EventLoop, workers: WorkerPool,
        names: any NameLookup
    ) {
        self.settings = settings
        self.loop = loop
        self.workers = workers
        self.names = names
        endpoint.withLock { $0 = settings.introspection?.url }
    }

    /// Why the last question had no answer, for the operator.
    var failure: String { lastFailure.withLock { $0 } }

    /// nil when they cannot be had.
    func keys() async -> IssuerKeys? {
        await answer { () async throws(HTTPDocuments.Failure) in
            let url: HTTPURL
            switch self.settings.keys {
            case .url(let named): url = named
            default: url = try self.url("jwks_uri", in: try await self.metadata())
            }
            let document = try await self.read(url)
            guard let keys = IssuerKeys(document) else {
                throw HTTPDocuments.Failure(reason: "\(url.path) is no JSON Web Key Set")
            }
            return keys
        }
    }

    /// What a token means (RFC 7662); nil when the issuer does not say.
    func meaning(of token: String) async -> JSONObject? {
        await answer { () async throws(HTTPDocuments.Failure) in
            let authorization = try await self.authorization()
            let document = try await self.documents().read(
                try await self.introspection(),
                .post(
                    form: "token=\(Encoded.data(token))&token_type_hint=access_token",
                    authorization: authorization), isNamed: true)
            guard case .object(let object) = document, object["active"]?.bool != nil else {
                throw HTTPDocuments.Failure(reason: "the answer about a token is none")
            }
            return object
        }
    }

    private func introspection() async throws(HTTPDocuments.Failure) -> HTTPURL {
        if let known = endpoint.withLock({ $0 }) { return known }
        let found = try url("introspection_endpoint", in: try await metadata())
        endpoint.withLock { $0 = found }
        return found
    }

    private func authorization() async throws(HTTPDocuments.Failure) -> String {
        guard let introspection = settings.introspection else {
            throw HTTPDocuments.Failure(reason: "no introspection is declared")
        }
        let secret: Result<String, BackendError>? = try? await workers.run { _ in
            do throws(BackendError) { return .success(try introspection.secret.read()) } catch {
                return .failure(error)
            }
        }
        guard case .success(let secret) = secret else {
            throw HTTPDocuments.Failure(reason: "the secret for introspection cannot be read")
        }
        // RFC 6749 section 2.3.1: both are encoded as in a form first.
        let pair = "\(Encoded.data(introspection.clientID)):\(Encoded.data(secret))"
        return "Basic \(Base64.encode(Array(pair.utf8)))"
    }

    // MARK: Metadata

    private func metadata() async throws(HTTPDocuments.Failure) -> JSONValue {
        let places = Self.metadataPlaces(of: settings.rules.issuer)
        var last = HTTPDocuments.Failure(reason: "\(settings.rules.issuer) is no URL")
        for place in places {
            do throws(HTTPDocuments.Failure) {
                let document = try await read(place)
                guard document["issuer"]?.string?.isByteEqual(to: settings.rules.issuer) == true
                else {
                    throw HTTPDocuments.Failure(reason: "\(place.path) is of another issuer")
                }
                return document
            } catch { last = error }
        }
        throw last
    }

    /// OpenID Connect Discovery 4.1, then RFC 8414 section 3.1.
    static func metadataPlaces(of issuer: String) -> [HTTPURL] {
        guard let url = try? HTTPURL(issuer), url.query == nil else { return [] }
        let path = url.path.utf8.last == UInt8(ascii: "/") ? String(url.path.dropLast()) : url.path
        let scheme = url.isSecure ? "https" : "http"
        let origin = "\(scheme)://\(url.host):\(url.port)"
        return [
            "\(origin)\(path)/.well-known/openid-configuration",
            "\(origin)/.well-known/oauth-authorization-server\(path)",
        ].compactMap { try? HTTPURL($0) }
    }

    private func url(
        _ member: String, in metadata: JSONValue
    ) throws(HTTPDocuments.Failure) -> HTTPURL {
        guard let text = metadata[member]?.string, let url = try? HTTPURL(text),
            url.isSecure || isIssuersHost(url) && IssuerManifest.isThisMachine(url)
        else { throw HTTPDocuments.Failure(reason: "its metadata has no usable \(member)") }
        return url
    }

    private func isIssuersHost(_ url: HTTPURL) -> Bool {
        guard let issuer = try? HTTPURL(settings.rules.issuer) else { return false }
        return issuer.host.isByteEqual(to: url.host)
    }

    private func read(_ url: HTTPURL) async throws(HTTPDocuments.Failure) -> JSONValue {
        var isNamed = isIssuersHost(url)
        if case .url(let named) = settings.keys, named == url { isNamed = true }
        return try await documents().read(url, isNamed: isNamed)
    }

    // MARK: Ways there

    private func answer<Value: Sendable>(
        _ body: @escaping @Sendable () async throws(HTTPDocuments.Failure) -> Value
    ) async -> Value? {
        let outcome = await Task(executorPreference: loop) {
            () -> Result<Value, HTTPDocuments.Failure> in
            do throws(HTTPDocuments.Failure) { return .success(try await body()) } catch {
                return .failure(error)
            }
        }.value
        if case .failure(let failure) = outcome {
            lastFailure.withLock { $0 = failure.reason }
        }
        return try? outcome.get()
    }

    /// Made at the first question: the system's list of authorities takes a while to read.
    private func documents() async throws(HTTPDocuments.Failure) -> HTTPDocuments {
        if let made = client.withLock({ $0 }) { return made }
        let made: Result<HTTPDocuments, TLSError>? = try? await workers.run {
            [settings, names] _ in
            do throws(TLSError) {
                let client = HTTPClient(security: try Self.security(settings))
                return .success(
                    HTTPDocuments(client: client, names: names, networks: settings.networks))
            } catch { return .failure(error) }
        }
        guard case .success(let documents) = made else {
            throw HTTPDocuments.Failure(reason: "tls: the authorities cannot be read")
        }
        client.withLock { $0 = documents }
        return documents
    }

    private static func security(
        _ settings: ServerSettings.Issuer
    ) throws(TLSError) -> TLSClientContext? {
        if settings.isWithoutTLS { return nil }
        guard let file = settings.authorities else {
            return try TLSClientContext(trust: .system, identity: nil)
        }
        guard case .success(let bytes) = FileBytes.read(file) else { throw .badAuthority }
        return try TLSClientContext(trust: .systemAnd(authorities: bytes), identity: nil)
    }
}
