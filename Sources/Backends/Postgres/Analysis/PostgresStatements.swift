internal import Enforcement
internal import EventLoop
internal import JSON
internal import Synchronization

/// Callers' own statements on one server: each is analysed once for as long as the catalogue stays
/// what it is.
///
/// The catalogue is looked at anew when the last look is older than `freshness`, so a change of the
/// schema is noticed within that time; what runs is compared with what was analysed besides.
final class PostgresStatements: Sendable {
    static let freshness = Duration.seconds(1)

    private struct Version {
        var text = ""
        var seen: ContinuousClock.Instant?
    }

    private let analyst: PostgresAnalyst
    private let workers: WorkerPool
    private let known = ExaminedStatements<PostgresFindings>()
    private let version = Mutex(Version())

    init(_ analyst: PostgresAnalyst, workers: WorkerPool) {
        self.analyst = analyst
        self.workers = workers
    }

    func examine(
        _ text: String, effect: Tool.Effect, wantsEstimate: Bool = false
    ) async throws(BackendError) -> PostgresFindings {
        let key = Name("\(effect.rawValue) \(wantsEstimate) \(text)")
        let found = known.find(key)
        if let found, let current = freshVersion, found.version.isByteEqual(to: current) {
            return found
        }
        let outcome: Result<PostgresFindings, BackendError>
        do {
            outcome = try await workers.run { [self] _ in
                Result { () throws(BackendError) in try ask(text, effect, wantsEstimate, found) }
            }
        } catch {
            throw BackendError(.busy, detail: "all workers are taken and the queue is full")
        }
        let findings = try outcome.get()
        known.insert(findings, for: key)
        return findings
    }

    private var freshVersion: String? {
        version.withLock { version in
            guard let seen = version.seen, ContinuousClock.now - seen < Self.freshness else {
                return nil
            }
            return version.text
        }
    }

    /// Blocks.
    private func ask(
        _ text: String, _ effect: Tool.Effect, _ wantsEstimate: Bool, _ known: PostgresFindings?
    ) throws(BackendError) -> PostgresFindings {
        if let known {
            let now = ContinuousClock.now
            let current = try analyst.version()
            note(current, at: now)
            if known.version.isByteEqual(to: current) { return known }
        }
        var findings = try analyst.examine(
            text, effect: effect, author: .caller, wantsEstimate: wantsEstimate,
            age: Self.freshness)
        note(findings.version, at: findings.seen)
        findings.examination = findings.examination.withDistinctNames
        findings.examination.identity = Examination.Identity()
        return findings
    }

    /// The time before the question: what changed while it was answered is for the next look.
    private func note(_ text: String, at time: ContinuousClock.Instant) {
        version.withLock { version in
            guard version.seen.map({ $0 < time }) ?? true else { return }
            version = Version(text: text, seen: time)
        }
    }
}
