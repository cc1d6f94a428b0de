import Glibc

/// The queue between callers and the writing thread, and the two threads.
// Sendable: `shared` is only touched inside `bell.withLock`; `writer` only by the writing thread
// after `start`.
package final class RecorderCore: @unchecked Sendable {
    private struct Shared {
        var queue: [WaitingLines] = []
        /// What the writing thread works on. Emptied by the watchdog when it takes too long.
        var inFlight: [WaitingLines] = []
        /// Of both.
        var bytes = 0
        var figures = RecorderFigures()
        var reason = ""
        var isWriterAsleep = false
        var mustLook = false
        /// How many calls end the writer's pause before its time.
        var enough = Int.max
        var isWatchdogAsleep = false
        var isClosing = false
        var isWriterDone = false
    }

    private let bell = RecorderBell()
    private var shared = Shared()
    private let writer: any BatchWriter
    private let pauses: Bool
    private let limits: RecorderLimits
    private let deadline: UInt64
    private let wakeLater: @Sendable (RecorderCore) -> Void
    private let notice: @Sendable (RecordError) -> Void

    init(
        _ writer: any BatchWriter, limits: RecorderLimits, pauses: Bool = true,
        wakeLater: @escaping @Sendable (RecorderCore) -> Void,
        notice: @escaping @Sendable (RecordError) -> Void
    ) {
        self.writer = writer
        self.limits = limits
        self.pauses = pauses
        self.wakeLater = wakeLater
        self.notice = notice
        deadline = limits.deadline.nanoseconds
    }

    func start() -> Bool {
        RecorderBell.startThread { self.write() } && RecorderBell.startThread { self.watch() }
    }

    var isWritable: Bool { bell.withLock { shared.figures.standing == .good && !shared.isClosing } }

    var figures: RecorderFigures {
        bell.withLock {
            var figures = shared.figures
            figures.waitingBytes = shared.bytes
            return figures
        }
    }

    func enqueue(_ lines: WaitingLines) {
        let (refusal, wakes) = take(lines.bytes) { $0.append(lines) }
        if let refusal { lines.tell(.failure(refusal)) }
        if wakes { wakeLater(self) }
    }

    /// All of them in one batch, or none.
    func enqueue(together lines: [WaitingLines]) {
        let bytes = lines.reduce(0) { $0 + $1.bytes }
        let (refusal, wakes) = take(bytes) { $0.append(contentsOf: lines) }
        if let refusal { for waiting in lines { waiting.tell(.failure(refusal)) } }
        if wakes { wakeLater(self) }
    }

    @inline(__always)
    private func take(
        _ bytes: Int, _ add: (inout [WaitingLines]) -> Void
    ) -> (refusal: RecordError?, wakes: Bool) {
        var isWriterAsleep = false
        let refusal: RecordError? = bell.withLock {
            if shared.isClosing { return .closed }
            if shared.figures.standing != .good { return .unavailable(shared.reason) }
            if shared.bytes + bytes > limits.queuedBytes { return .overloaded }
            shared.bytes += bytes
            add(&shared.queue)
            isWriterAsleep = shared.isWriterAsleep || shared.queue.count == shared.enough
            // At once, so that the deadline holds even if the wake that is put off never comes.
            // It then stays awake while lines wait: a few rings a second at most.
            if shared.isWatchdogAsleep {
                shared.isWatchdogAsleep = false
                bell.ring(.watchdog)
            }
            return nil
        }
        return (refusal, isWriterAsleep)
    }

    /// Once per sleep: who was rung for is as good as awake.
    package func wake() {
        bell.withLock {
            guard !shared.queue.isEmpty else { return }
            ringWriter()
        }
    }

    /// The other side may be gone: the writer looks, before anybody is refused for it.
    func look() {
        bell.withLock {
            shared.mustLook = true
            shared.isWriterAsleep = false
            bell.ring(.writer)
        }
    }

    /// Only inside the lock.
    private func ringWriter() {
        guard shared.isWriterAsleep || shared.queue.count >= shared.enough else { return }
        shared.isWriterAsleep = false
        bell.ring(.writer)
    }

    func close() {
        let limit = RecorderBell.now() &+ deadline &+ 1_000_000_000
        let left: [WaitingLines] = bell.withLock {
            shared.isClosing = true
            bell.ring(.writer)
            bell.ring(.watchdog)
            while !shared.isWriterDone, RecorderBell.now() < limit {
                bell.wait(.closer, until: limit)
            }
            return takeAll()
        }
        for waiting in left { waiting.tell(.failure(.closed)) }
    }

    /// Only inside the lock.
    private func takeAll() -> [WaitingLines] {
        let all = shared.inFlight + shared.queue
        shared.inFlight = []
        shared.queue = []
        shared.bytes = 0
        return all
    }

    // MARK: The writing thread

    private enum Work {
        case batch([WaitingLines])
        case retry
        case stop
    }

    private func write() {
        var pause = Pause(after: 0, taking: 0)
        while true {
            switch nextWork(after: pause) {
            case .batch(let batch):
                let began = RecorderBell.now()
                let result = writer.commit(batch)
                finish(result, batch, taking: RecorderBell.now() &- began)
                guard pauses else { continue }
                pause = Pause(after: batch.count, taking: RecorderBell.now() &- began)
            case .retry: finish(writer.restart().map { [] })
            case .stop:
                do throws(RecordError) { try writer.close() } catch { notice(error) }
                bell.withLock {
                    shared.isWriterDone = true
                    bell.ring(.closer)
                    bell.ring(.watchdog)
                }
                return
            }
        }
    }

    /// Sync and signature cost the same for one call as for many. Where several came together they
    /// come together again, beside those who came meanwhile. For all of them it pays to wait, up to
    /// a few times what the last batch took; who calls alone never waits.
    private struct Pause {
        /// So many share the cost well enough, and the others can be worked on meanwhile.
        static let plenty = 32

        var time: UInt64
        var last: Int

        init(after count: Int, taking time: UInt64) {
            self.time = count < 4 ? 0 : min(4 * time, 1_200_000)
            last = count
        }
    }

    private func nextWork(after pause: Pause) -> Work {
        bell.withLock {
            if shared.figures.standing == .failed {
                let next = RecorderBell.now() &+ limits.retry.nanoseconds
                while !shared.isClosing, RecorderBell.now() < next {
                    bell.wait(.writer, until: next)
                }
                return shared.isClosing ? .stop : .retry
            }
            let next = RecorderBell.now() &+ pause.time
            if pause.time > 0 {
                shared.enough = min(shared.queue.count + pause.last, Pause.plenty)
            }
            while shared.queue.count < shared.enough, !shared.isClosing, RecorderBell.now() < next {
                bell.wait(.writer, until: next)
            }
            shared.enough = .max
            while shared.queue.isEmpty {
                if shared.isClosing { return .stop }
                if shared.mustLook {
                    shared.mustLook = false
                    return .retry
                }
                shared.isWriterAsleep = true
                bell.wait(.writer)
                shared.isWriterAsleep = false
            }
            shared.inFlight = shared.queue
            shared.queue = []
            shared.queue.reserveCapacity(shared.inFlight.count)
            return .batch(shared.inFlight)
        }
    }

    /// `batch` is empty after an attempt to go on.
    private func finish(
        _ result: Result<[RecordReceipt], RecordError>, _ batch: [WaitingLines] = [],
        taking time: UInt64 = 0
    ) {
        var isNew = false
        let waiters: [WaitingLines] = bell.withLock {
            switch result {
            case .success:
                // Also after a hang: what was refused meanwhile stands in the record now, which
                // is true, and its callers had no effect.
                shared.figures.standing = .good
                if !batch.isEmpty { shared.figures.note(batch, taking: time) }
                let done = shared.inFlight
                shared.bytes -= done.reduce(0) { $0 + $1.bytes }
                shared.inFlight = []
                return done
            case .failure(let error):
                isNew = shared.figures.standing != .failed
                if shared.figures.standing == .good { shared.figures.failures += 1 }
                shared.figures.standing = .failed
                shared.reason = error.reason
                return takeAll()
            }
        }
        if isNew, case .failure(let error) = result { notice(error) }
        for (index, waiting) in waiters.enumerated() {
            waiting.tell(result.map { $0[index] })
        }
    }

    // MARK: The watchdog

    private var silence: String { "\(writer.place) does not answer" }

    /// A hung sync cannot be interrupted; its waiters can be told.
    private func watch() {
        while true {
            var isDone = false
            let overdue: [WaitingLines] = bell.withLock {
                guard !shared.isWriterDone else {
                    isDone = true
                    return []
                }
                guard let since = (shared.inFlight.first ?? shared.queue.first)?.since else {
                    shared.isWatchdogAsleep = true
                    bell.wait(.watchdog)
                    shared.isWatchdogAsleep = false
                    return []
                }
                let now = RecorderBell.now()
                // Whoever was to wake the writer has not.
                if !shared.queue.isEmpty, now >= since &+ deadline / 4 { ringWriter() }
                guard now >= since &+ deadline else {
                    bell.wait(.watchdog, until: min(since &+ deadline, now &+ deadline / 8))
                    return []
                }
                if shared.figures.standing == .good {
                    shared.figures.standing = .stalled
                    shared.figures.failures += 1
                }
                shared.reason = silence
                return takeAll()
            }
            for waiting in overdue {
                waiting.tell(.failure(.unavailable(silence)))
            }
            if isDone { return }
        }
    }
}

extension Duration {
    /// Of a configured time span: never negative, at most some centuries.
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return UInt64(min(seconds, 1 << 32)) &* 1_000_000_000 &+ UInt64(attoseconds / 1_000_000_000)
    }
}
