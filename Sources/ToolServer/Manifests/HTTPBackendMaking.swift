import Backends
import Enforcement
import EventLoop
import JSON
import Synchronization

/// From the settings of an HTTP backend to the backend: files are read, secrets become readers.
struct HTTPBackendMaking {
    let name: Name
    let settings: HTTPSettings
    let workers: WorkerPool
    let names: any NameLookup

    func backend() throws(BackendError) -> any Backend {
        let client = HTTPClient(settings.limits, security: try security())
        let options = HTTPOptions(
            name: name, base: settings.base, egress: settings.egress,
            credential: credential(client), limits: settings.limits)
        return HTTPBackend(options, client: client, names: names)
    }

    private func credential(_ client: HTTPClient) -> HTTPCredential {
        switch settings.credential {
        case .nobody: .nobody
        case .bearer(let secret): .bearer(reader(secret))
        case .basic(let user, let password): .basic(user: user, reader(password))
        case .header(let name, let value): .header(name: name, reader(value))
        case .oauth(let oauth):
            .oauth(
                OAuthTokens(
                    OAuthSettings(
                        url: oauth.url, clientID: oauth.clientID, secret: reader(oauth.secret),
                        scope: oauth.scope, audience: oauth.audience),
                    client: client, names: names, networks: settings.egress.networks,
                    patience: settings.limits.connect))
        case .signature(let aws):
            .signature(
                RequestSignature(
                    region: aws.region, service: aws.service, keyID: reader(aws.keyID),
                    secretKey: reader(aws.secretKey), sessionToken: aws.sessionToken.map(reader)))
        }
    }

    private func reader(_ secret: Secret) -> SecretReader {
        let kept = KeptSecret(secret, workers)
        return { () async throws(BackendError) in try await kept.value() }
    }

    /// Nil where nobody is reached over TLS: the system's list takes a while to read.
    private func security() throws(BackendError) -> TLSClientContext? {
        var isNeeded = settings.egress.isSecureAllowed
        if case .oauth(let oauth) = settings.credential, oauth.url.isSecure { isNeeded = true }
        guard isNeeded else { return nil }
        let tls = settings.tls
        do throws(TLSError) {
            let trust: TLSClientContext.Trust =
                if let file = tls.authorities {
                    .systemAnd(authorities: try bytes(file))
                } else { .system }
            var identity: TLSIdentity?
            if let certificate = tls.certificate, let key = tls.key {
                identity = TLSIdentity(chain: try bytes(certificate), key: try bytes(key))
            }
            return try TLSClientContext(trust: trust, identity: identity)
        } catch {
            throw BackendError(.invalid, detail: "tls: \(error)")
        }
    }

    private func bytes(_ path: String) throws(TLSError) -> [UInt8] {
        do throws(FileBytes.Failure) { return try FileBytes.read(path).get() } catch {
            throw .badCertificate
        }
    }
}

/// A secret for a few seconds: it is used by every call, and may be renewed at any time.
final class KeptSecret: Sendable {
    private static let age = Duration.seconds(5)
    /// A command is dearer than a file.
    private static let commandAge = Duration.seconds(60)

    private struct State {
        var value: String?
        var until = ContinuousClock.now
        /// One reader at a time; the others wait for what it finds.
        var reading: Task<Result<String, BackendError>, Never>?
    }

    private let secret: Secret
    private let workers: WorkerPool
    private let state = Mutex(State())

    init(_ secret: Secret, _ workers: WorkerPool) {
        self.secret = secret
        self.workers = workers
    }

    func value() async throws(BackendError) -> String {
        let (known, reading) = state.withLock { state in
            if let value = state.value, state.until > .now {
                return (value as String?, nil as Task<Result<String, BackendError>, Never>?)
            }
            let reading = state.reading ?? Task { await self.read() }
            state.reading = reading
            return (nil, reading)
        }
        if let known { return known }
        guard let reading else { throw BackendError(.failed, detail: "no secret is being read") }
        return try await reading.value.get()
    }

    private func read() async -> Result<String, BackendError> {
        let found: Result<String, BackendError>
        do throws(WorkerPoolFull) {
            found = try await workers.run { [secret] _ in Self.read(secret) }
        } catch {
            found = .failure(BackendError(.busy, detail: "no thread to read a secret"))
        }
        state.withLock { state in
            state.reading = nil
            state.value = try? found.get()
            if case .command = secret {
                state.until = .now + Self.commandAge
            } else {
                state.until = .now + Self.age
            }
        }
        return found
    }

    private static func read(_ secret: Secret) -> Result<String, BackendError> {
        do throws(BackendError) { return .success(try secret.read()) } catch {
            return .failure(error)
        }
    }
}
