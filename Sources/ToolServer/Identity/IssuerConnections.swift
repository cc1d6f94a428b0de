import Backends
import Enforcement
import EventLoop
import JSON
import Synchronization

/// The issuers that are asked over the network, and what they have said. Kept when the manifests
/// are loaded again, so that a reload while an issuer is down ends nobody's tokens.
final class IssuerConnections: Sendable {
    typealias Notice =
        @Sendable (_ issuer: String, PublishedKeys.Event, _ reason: String) async
        -> Void

    private let loop: EventLoop
    private let workers: WorkerPool
    private let names: any NameLookup
    private let timing: PublishedKeys.Timing
    private let now: @Sendable () -> Int
    private let notice: Notice
    private let kept = Mutex<[ServerSettings.Issuer.Identity: PublishedKeys]>([:])

    init(
        loop: EventLoop, workers: WorkerPool, names: any NameLookup = SystemNameLookup(),
        timing: PublishedKeys.Timing = .init(),
        now: @escaping @Sendable () -> Int = WallClock.seconds,
        notice: @escaping Notice = { _, _, _ in }
    ) {
        self.loop = loop
        self.workers = workers
        self.names = names
        self.timing = timing
        self.now = now
        self.notice = notice
    }

    /// `installation`: the keys of this installation's own tokens.
    func trusted(_ settings: ServerSettings, installation: InstallationKeys?) -> TrustedIssuers {
        var opaque: OpaqueTokens?
        let verifiers = settings.issuers.compactMap { issuer -> TokenVerifier? in
            let documents = IssuerDocuments(issuer, loop: loop, workers: workers, names: names)
            if let introspection = issuer.introspection {
                opaque = OpaqueTokens(issuer.rules, kept: introspection.keptSeconds, now: now) {
                    await documents.meaning(of: $0)
                }
            }
            return keys(of: issuer, documents, installation).map {
                TokenVerifier(issuer.rules, keys: $0)
            }
        }
        // What the manifests name no more is nobody's.
        let identities = Set(settings.issuers.map(\.identity))
        kept.withLock { kept in kept = kept.filter { identities.contains($0.key) } }
        return TrustedIssuers(
            verifiers, opaque: opaque, certificates: settings.issuers.compactMap(\.certificates))
    }

    private func keys(
        of issuer: ServerSettings.Issuer, _ documents: IssuerDocuments,
        _ installation: InstallationKeys?
    ) -> (any KeySource)? {
        switch issuer.keys {
        case .installation: installation
        case .file(let keys): keys
        case .nowhere: nil
        case .url, .discovery: published(issuer, documents)
        }
    }

    private func published(
        _ issuer: ServerSettings.Issuer, _ documents: IssuerDocuments
    ) -> PublishedKeys {
        kept.withLock { kept in
            if let known = kept[issuer.identity] { return known }
            let name = issuer.rules.issuer
            var timing = timing
            timing.stale = issuer.staleSeconds ?? timing.stale
            let made = PublishedKeys(
                timing: timing, now: now, fetch: { await documents.keys() },
                notice: { [notice] event in await notice(name, event, documents.failure) })
            kept[issuer.identity] = made
            return made
        }
    }
}
