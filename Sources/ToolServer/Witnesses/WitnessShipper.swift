import Backends
import Enforcement
import EventLoop
import JSON

/// Has one witness cosign this process's log as it grows, at intervals. It never holds up a call.
///
/// Runs on a loop; files are read on workers.
final class WitnessShipper: Sendable {
    struct Means: Sendable {
        /// The folder of kept cosignatures.
        let directory: String
        /// The folder of the log, and its name.
        let record: String
        let log: String
        let key: Ed25519PrivateKey
        let workers: WorkerPool
        let watch: WitnessWatch
    }

    /// Why there is no cosignature.
    enum Failure: Error, Equatable {
        /// To be tried again.
        case away(String)
        /// The witness, or what it once cosigned, speaks of another history.
        case otherHistory(String)
    }

    private static let backoffFirst = Duration.seconds(2)
    private static let backoffMost = Duration.seconds(600)

    private let settings: WitnessSettings
    private let delivery: WitnessDelivery
    private let means: Means
    private let file: String

    init(_ settings: WitnessSettings, _ delivery: WitnessDelivery, means: Means) {
        self.settings = settings
        self.delivery = delivery
        self.means = means
        file = KeptCosignature.file(means.directory, settings.name, means.log)
    }

    /// Until its task is cancelled. One process sends a log at a time: two would take each other's
    /// checkpoints for another history.
    func run(on loop: EventLoop) async {
        var lock: StreamLock?
        var told: String?
        var backoff = Self.backoffFirst
        while !Task.isCancelled {
            var wait = settings.interval
            if lock == nil { lock = StreamLock(file + ".lock") }
            if lock != nil {
                let reason = await say()
                if told != reason {
                    told = reason
                    let text = reason ?? "cosigns again"
                    StandardStream.error.line("witness \(settings.name.text): \(text)")
                }
                if reason == nil {
                    backoff = Self.backoffFirst
                } else {
                    wait = backoff
                    backoff = min(backoff * 2, Self.backoffMost)
                }
            }
            do throws(CancellationError) { try await loop.sleep(for: wait) } catch { break }
        }
    }

    /// What is to be said of a round; nil where all is well.
    private func say() async -> String? {
        do throws(Failure) {
            try await round()
            means.watch.set(settings.name, isTroubled: false)
            return nil
        } catch {
            switch error {
            case .away(let reason): return reason
            case .otherHistory(let reason):
                means.watch.set(settings.name, isTroubled: true)
                return "ALARM: \(reason)"
            }
        }
    }

    /// Shows the witness the log's end, where that is more than it has cosigned.
    func round() async throws(Failure) {
        guard
            let end = try await read({ [means] () throws(RecordError) in
                try LogEnd.last(directory: means.record)
            })
        else { return }
        let kept = try await read { [file] () throws(RecordError) in
            KeptCosignature.read(file, origin: end.origin)
        }
        guard end.size != kept?.size else { return }
        if let kept, kept.size > end.size { throw Self.setBack(kept.size, end.size) }
        var old = kept?.size ?? 0
        // What it has in truth it says once; after that it must agree.
        for isLast in [false, true] {
            let growth = try await growth(of: end, since: old)
            if let kept, old == kept.size, growth?.oldRoot.isByteEqual(to: kept.root) == false {
                throw .otherHistory(
                    "the log is not the one of which it cosigned \(old) lines: there are two histories"
                )
            }
            switch try await add(end, old, growth?.proof ?? []) {
            case .cosigned(let answer): return try await keep(answer, of: end)
            case .inconsistent: throw Self.forked(old)
            case .conflict(let size):
                guard let size else { throw .away("status 409 without a size") }
                if size > end.size { throw Self.setBack(size, end.size) }
                if size == old { throw Self.forked(old) }
                if isLast { throw .away("its size changes: does another process send this log?") }
                old = size
            }
        }
    }

    private static func setBack(_ its: Int, _ ours: Int) -> Failure {
        .otherHistory(
            "it has cosigned \(its) lines and the log has \(ours): its end was cut or it was set back"
        )
    }

    private static func forked(_ size: Int) -> Failure {
        .otherHistory(
            "it does not take the log for a growth of the \(size) lines that it has: there are two histories"
        )
    }

    private func growth(of end: LogEnd, since old: Int) async throws(Failure) -> LogEnd.Growth? {
        guard old > 0 else { return nil }
        return try await read { () throws(RecordError) in try end.growth(since: old) }
    }

    private func add(
        _ end: LogEnd, _ old: Int, _ proof: [String]
    ) async throws(Failure) -> WitnessDelivery.Answer {
        let note: String
        do throws(CryptoError) {
            note = try WitnessedLogKey(means.key, origin: end.origin).note(of: end)
        } catch { throw .away("the checkpoint cannot be signed") }
        do throws(DeliveryFailure) {
            return try await delivery.add(note, old: old, proof: proof)
        } catch { throw .away(error.reason) }
    }

    private func keep(_ answer: [UInt8], of end: LogEnd) async throws(Failure) {
        guard let line = settings.key.cosignature(in: answer, over: end) else {
            throw .away("its answer holds no cosignature by its key over this checkpoint")
        }
        let isKept = try await read { [file] () throws(RecordError) in
            KeptCosignature.write(file, end.note, line)
        }
        if !isKept { throw .away("its cosignature cannot be written") }
    }

    /// On a thread that may wait.
    private func read<Value: Sendable>(
        _ body: @escaping @Sendable () throws(RecordError) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, RecordError>
        do throws(WorkerPoolFull) {
            result = try await means.workers.run { _ in
                do throws(RecordError) { return .success(try body()) } catch {
                    return .failure(error)
                }
            }
        } catch { throw .away("no thread to read the record") }
        switch result {
        case .success(let value): return value
        case .failure(let error): throw .away("\(error)")
        }
    }
}
