package import Enforcement
package import EventLoop
internal import JSON
internal import Synchronization

/// The client credentials of an OAuth 2 server (RFC 6749 section 4.4).
package struct OAuthSettings: Sendable {
    package var url: HTTPURL
    package var clientID: String
    package var secret: SecretReader
    package var scope: String?
    package var audience: String?

    package init(
        url: HTTPURL, clientID: String, secret: @escaping SecretReader, scope: String?,
        audience: String?
    ) {
        self.url = url
        self.clientID = clientID
        self.secret = secret
        self.scope = scope
        self.audience = audience
    }
}

/// The access token of one backend: asked for once, kept until it is nearly over, and asked for
/// again by one call while the others go on with what there is.
package final class OAuthTokens: Sendable {
    private static let responseBytesMax = 64 << 10
    /// Before the end, so that no request arrives with a token that has just expired.
    private static let margin = Duration.seconds(30)
    private static let lifetimeMax = 24 * 3_600

    private struct Token {
        let text: String
        let renewAt: MonotonicTime
        let expires: MonotonicTime
    }

    private struct State {
        var token: Token?
        var asking: Task<Result<String, BackendError>, Never>?
    }

    private let settings: OAuthSettings
    private let client: HTTPClient
    private let addresses: VettedAddresses
    private let state = Mutex(State())

    /// `networks` as for the backend itself; the host is the one of the URL and no other.
    package init(
        _ settings: OAuthSettings, client: HTTPClient, names: any NameLookup,
        networks: [NetworkRange], patience: Duration
    ) {
        self.settings = settings
        self.client = client
        addresses = VettedAddresses(
            egress: EgressRules(
                hosts: [.exact(settings.url.host)], ports: [settings.url.port], networks: networks),
            names: names, patience: patience)
    }

    func token() async throws(BackendError) -> String {
        let now = MonotonicTime.now()
        let (known, asking) = state.withLock { state in
            let live = state.token.flatMap { $0.expires > now ? $0 : nil }
            if let live, live.renewAt > now || state.asking != nil {
                return (live.text as String?, state.asking)
            }
            if state.asking == nil { state.asking = begin() }
            return (live?.text, state.asking)
        }
        if let known { return known }
        guard let asking else { throw BackendError(.failed, detail: "no token is asked for") }
        return try await asking.value.get()
    }

    /// The backend does not take this one; one that was given since then may be good.
    func forget(_ refused: String) {
        state.withLock { state in
            if state.token?.text.isByteEqual(to: refused) == true { state.token = nil }
        }
    }

    /// On the loop of the call that needs it first. The others wait for it, so the end of that call
    /// does not end it.
    private func begin() -> Task<Result<String, BackendError>, Never> {
        Task(executorPreference: EventLoop.current) {
            let result: Result<Token, BackendError>
            do throws(BackendError) { result = .success(try await self.ask()) } catch {
                result = .failure(error)
            }
            self.state.withLock { state in
                state.asking = nil
                if case .success(let token) = result { state.token = token }
            }
            return result.map(\.text)
        }
    }

    private func ask() async throws(BackendError) -> Token {
        let loop = try VettedAddresses.loop()
        let url = settings.url
        let secret = try await settings.secret()
        let origin = HTTPClient.Origin(isSecure: url.isSecure, host: url.host, port: url.port)
        let deadline = MonotonicTime.now().advanced(by: .seconds(10))
        let exchange = HTTPClient.Exchange(
            request: request(secret), origin: origin, isRepeatable: true,
            bodyBytes: Self.responseBytesMax, deadline: deadline)
        let response: HTTPClientResponse
        do throws(HTTPClientError) {
            response = try await client.send(exchange, on: loop) {
                () async throws(HTTPClientError) in
                try await self.addresses.addresses(of: origin, before: deadline)
            }
        } catch {
            throw BackendError(.unavailable, detail: "the token endpoint: \(error)")
        }
        return try token(of: response)
    }

    private func request(_ secret: String) -> HTTPClientRequest {
        // RFC 6749 section 2.3.1: both are encoded as in a form first.
        let pair = "\(Encoded.data(settings.clientID)):\(Encoded.data(secret))"
        var form = "grant_type=client_credentials"
        if let scope = settings.scope { form += "&scope=\(Encoded.data(scope))" }
        if let audience = settings.audience { form += "&audience=\(Encoded.data(audience))" }
        let url = settings.url
        return HTTPClientRequest(
            method: "POST", target: url.path + (url.query.map { "?\($0)" } ?? ""),
            host: url.authority,
            headers: [
                (name: "authorization", value: "Basic \(Base64.encode(Array(pair.utf8)))"),
                (name: "content-type", value: "application/x-www-form-urlencoded"),
                (name: "accept", value: "application/json"),
                (name: "accept-encoding", value: "identity"),
            ], body: Array(form.utf8))
    }

    private func token(of response: HTTPClientResponse) throws(BackendError) -> Token {
        guard response.status == 200, let answer = try? JSONParser.parse(response.body),
            let text = answer["access_token"]?.string, !text.utf8.isEmpty,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            answer["token_type"]?.string?.lowercased().isByteEqual(to: "bearer") == true
        else {
            throw BackendError(
                .unavailable,
                detail: "the token endpoint gave no bearer token: status \(response.status)")
        }
        // RFC 6749 section 5.1 recommends to say; an hour is what most mean who do not.
        let seconds = min(max(answer["expires_in"]?.int ?? 3_600, 1), Self.lifetimeMax)
        let now = MonotonicTime.now()
        let life = Duration.seconds(seconds)
        let margin = min(Self.margin, life / 4)
        return Token(
            text: text, renewAt: now.advanced(by: life * 3 / 4 - margin / 2),
            expires: now.advanced(by: life - margin))
    }
}
