internal import Enforcement
internal import EventLoop
internal import JSON

/// One connection on its loop: its calls, and what must be tidied up behind them.
///
/// It must never be given to another caller before the server has said that it is ready, a cancel
/// under way has ended, and nothing of the call before is left in the session. Quick reads of one
/// caller may stand one behind the other, each in a transaction of its own: the server answers them
/// in turn, and where one of them fails, is stopped or is slow those behind go elsewhere.
///
/// Sendable although it has plain variables: they are touched on `loop` only.
@safe
final class PostgresConnection: EventSource, Wakeable, @unchecked Sendable {
    enum Phase { case idle, running, cleaning, closed }

    /// A turn reads no more than this before others have theirs.
    private static let turnBytes = 1 << 20
    /// For the server to say what became of a change that was stopped, and to tidy up.
    private static let grace = Duration.seconds(5)
    let id: Int
    private let pool: PostgresPool
    let loop: EventLoop
    private let link: PostgresLink
    private let socket: PostgresSocket
    private let canceller: PostgresCanceller
    private let cluster: String?

    /// Who has it from the pool.
    var holder: CallerID?
    var phase = Phase.idle
    private var sawEnd = false
    private var inbox = PostgresInbox()
    var outbox = PostgresOutbox()

    /// In the order of their answers. Behind the first there are reads only.
    var underway: [PostgresUnderway] = []
    private var lastID = 0
    /// When it became the first.
    private var firstSince = MonotonicTime(nanoseconds: 0)
    /// Ends the patience of those behind, or the tidying up.
    private var timer: LoopTimer?
    /// Nothing but the preparation of a change was sent yet.
    private var isPreparing = false
    var wasEndSent = false
    var note = PostgresNote()
    private var isCancelling = false
    /// How often the server has yet to say that it is ready.
    var readiesDue = 0

    init?(_ id: Int, _ made: PostgresMade, pool: PostgresPool) {
        guard let socket = PostgresSocket(made.link), let canceller = PostgresCanceller(made.link)
        else { return nil }
        self.id = id
        self.pool = pool
        loop = pool.loop
        link = made.link
        self.socket = socket
        self.canceller = canceller
        cluster = made.cluster
        do throws(SystemError) {
            try loop.register(
                socket.number, [.readable, .writable, .peerClosed, .edgeTriggered], self)
        } catch { return nil }
    }

    // MARK: Calls

    func run(_ call: PostgresCall) async -> PostgresOutcome {
        lastID &+= 1
        let id = lastID
        return await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation { continuation in
                unsafe start(id, call, continuation)
            }
        } onCancel: {
            loop.execute { self.stop(.cancelled, id) }
        }
    }

    /// Whether a read may stand behind those under way; where no other connection is free, also
    /// behind those that were sent.
    func mayTake(_ plan: PostgresPlan, isLast: Bool) -> Bool {
        guard phase == .running, plan.isQuick, outbox.holds(plan), !isCancelling, !sawEnd,
            let first = underway.first, first.call.plan.isQuick,
            first.call.effect == .read, first.stopReason == nil
        else { return false }
        if outbox.isWaiting { return underway.count < PostgresUnderway.togetherMax }
        return isLast && underway.count < PostgresUnderway.countMax
            && loop.now.nanoseconds(since: firstSince) < PostgresPlan.quickTime
    }

    /// What it does will be over in a moment.
    var isQuick: Bool { underway.first?.call.plan.isQuick ?? true }

    private func start(
        _ id: Int, _ call: PostgresCall,
        _ waiter: UnsafeContinuation<PostgresOutcome, Never>
    ) {
        let isFirst = phase == .idle
        guard isFirst || call.effect == .read && mayTake(call.plan, isLast: true) else {
            return unsafe waiter.resume(returning: .displaced)
        }
        // What becomes of a change that is sent to a closed connection, nobody could tell.
        if call.effect == .write, !socket.isQuiet {
            unsafe waiter.resume(returning: .untouched)
            return close()
        }
        var call = call
        if call.witness != nil, call.effect == .write { call.cluster = cluster }
        let timer = loop.schedule(at: call.deadline) { [self] in stop(.timedOut, id) }
        let isPrepared = outbox.holds(call.plan)
        underway.append(
            unsafe PostgresUnderway(id, call, prepares: !isPrepared, waiter, timer))
        if isFirst {
            phase = .running
            firstSince = loop.now
        } else if self.timer == nil {
            loseHeart(at: firstSince.advanced(by: PostgresUnderway.patience))
        }
        // A change runs only after its statement is known to be what was examined.
        isPreparing = call.effect == .write && !isPrepared
        guard isPreparing else { return send(call) }
        outbox.addPreparation(call.plan)
        readiesDue = 1
        flush()
    }

    /// Those behind a slow one go elsewhere; what the server says of them is passed over.
    private func loseHeart(at time: MonotonicTime) {
        timer = loop.schedule(at: time) { [self] in
            timer = nil
            guard phase == .running, underway.count > 1 else { return }
            let limit = firstSince.advanced(by: PostgresUnderway.patience)
            guard loop.now >= limit else { return loseHeart(at: limit) }
            underway.displace(from: 1, on: loop)
        }
    }

    func send(_ call: PostgresCall) {
        wasEndSent = outbox.add(call)
        readiesDue += 1
        note = PostgresNote(isWanted: call.cluster != nil)
        // What comes in this turn goes out together.
        if call.plan.isQuick { OwedWakes.wake(self) } else { flush() }
    }

    /// The caller is gone or its time is over. A read is answered at once; of a change the server
    /// has the last word.
    private func stop(_ reason: BackendError.Reason, _ id: Int) {
        guard phase == .running, let index = underway.firstIndex(where: { $0.id == id }),
            underway[index].stop(reason)
        else { return }
        let stopped = PostgresOutcome.failed(BackendError(reason, detail: "stopped"))
        guard index == 0 else { return underway[index].tell(stopped, on: loop) }
        cancelOnServer()
        if underway[0].call.effect == .read || isPreparing {
            underway[0].tell(stopped, on: loop)
            startCleaning()
        } else {
            let end = loop.schedule(at: loop.now.advanced(by: Self.grace)) { [self] in
                if phase == .running, underway.first?.id == id { broke() }
            }
            underway[0].wait(until: end, on: loop)
        }
    }

    private func cancelOnServer() {
        guard !isCancelling, phase != .closed else { return }
        isCancelling = true
        let canceller = canceller
        Task(executorPreference: loop) { [self] in
            let wasSent: Void? = try? await pool.workers.run { _ in canceller.cancel() }
            isCancelling = false
            if wasSent == nil { return broke() }
            if phase == .cleaning, readiesDue == 0 { becomeIdle() }
        }
    }

    // MARK: Events

    func ready(_ events: ReadyEvents) {
        if !events.isDisjoint(with: [.peerClosed, .failed]) { sawEnd = true }
        if events.contains(.writable), !outbox.isEmpty { flush() }
        if events != .writable { receive() }
    }

    private func receive() {
        var budget = Self.turnBytes
        while phase != .closed, budget > 0 {
            let space = unsafe inbox.space
            switch unsafe socket.read(into: space) {
            case .done(0), .failed: return broke()
            case .wouldBlock: return
            case .done(let count):
                inbox.received(count)
                budget -= count
                understand()
                // The end was announced with the last bytes, and is not announced again.
                if !socket.mayHoldMore, !sawEnd, count < space.count { return }
            }
        }
        // An edge comes once: the rest is ours to fetch.
        if phase != .closed { loop.execute { [self] in receive() } }
    }

    private func understand() {
        while phase != .closed {
            let next = unsafe inbox.next { type in
                underway.first?.exchange.bytesMax(ofType: type) ?? 1 << 20
            }
            switch unsafe next {
            case .frame(let frame): unsafe take(frame)
            case .incomplete: return
            case .tooLong(let type): return takeTooLong(type)
            case .invalid: return broke()
            }
        }
    }

    private func take(_ frame: PostgresFrame) {
        if unsafe frame.type == UInt8(ascii: "1") { outbox.wasPrepared() }
        guard phase == .running, !underway.isEmpty else { return unsafe takeAside(frame) }
        switch unsafe underway[0].exchange.take(frame) {
        // Nothing more comes of a connection that the server has given up.
        case .goOn where underway[0].exchange.fault?.isFatal == true: broke()
        case .goOn, .mayEnd: break
        case .cut: cut()
        case .marked: tell(underway[0])
        case .ready(let isOutside): takeReady(isOutside: isOutside)
        case .broken: broke()
        }
    }

    /// Outside of a call: what is left of the one before, and what the server says by itself.
    private func takeAside(_ frame: PostgresFrame) {
        switch unsafe (frame.type, phase) {
        case (UInt8(ascii: "Z"), .cleaning):
            outbox.isReady()
            readiesDue -= 1
            let isOutside = unsafe frame.body.first == UInt8(ascii: "I")
            if readiesDue == 0 { tidyUp(isOutside: isOutside) }
        case (UInt8(ascii: "N"), _), (UInt8(ascii: "S"), _), (UInt8(ascii: "A"), _): break
        case (_, .cleaning): break
        default: broke()
        }
    }

    /// More than fits was asked for. The rest is not wanted: of a read at once, of a change when
    /// the server is ready, for then it is taken back.
    private func cut() {
        guard let first = underway.first, first.call.effect == .read else { return }
        // At the limit of rows the server has stopped by itself.
        guard first.exchange.cells.rows.rowCount < first.call.bounds.rows else { return }
        cancelOnServer()
        finish(first.outcome)
        startCleaning()
    }

    private func takeTooLong(_ type: UInt8) {
        if type == UInt8(ascii: "D"), phase == .running, !underway.isEmpty {
            underway[0].exchange.cut()
            cancelOnServer()
            let tooMuch = BackendError(.result, detail: "a change returns more than its limits")
            let isRead = underway[0].call.effect == .read
            finish(isRead ? underway[0].outcome : .failed(tooMuch))
        }
        broke()
    }

    private func takeReady(isOutside: Bool) {
        readiesDue -= 1
        let first = underway[0]
        let exchange = first.exchange
        outbox.isReady()
        if exchange.isStale || exchange.isOutdated { outbox.forget(first.call.plan) }
        if isPreparing, exchange.fault == nil, !exchange.isStale {
            isPreparing = false
            return first.stopReason == nil ? sendChange(first.call) : startCleaning()
        }
        if exchange.fault == nil, !wasEndSent, !isPreparing {
            return endChange(first)
        }
        finish(first.outcome)
        let took = loop.now.nanoseconds(since: firstSince)
        first.call.plan.took(took, answering: exchange.cells.rows)
        if isOutside, let next = underway.first {
            firstSince = loop.now
            // Its caller is gone.
            if next.stopReason != nil {
                cancelOnServer()
                startCleaning()
            }
            return
        }
        guard readiesDue == 0 else { return startCleaning() }
        phase = .cleaning
        dropTimer()
        tidyUp(isOutside: isOutside, after: first.call.effect)
    }

    // MARK: Ends

    /// The first has its answer.
    func finish(_ outcome: PostgresOutcome) {
        underway[0].tell(outcome, on: loop)
        underway.removeFirst()
    }

    /// Nobody waits for this connection any more.
    private func abandon() {
        underway.displace(from: 0, on: loop)
        underway.removeAll(keepingCapacity: true)
        dropTimer()
    }

    private func dropTimer() {
        if let timer { loop.cancel(timer) }
        timer = nil
    }

    private func startCleaning() {
        phase = .cleaning
        abandon()
        timer = loop.schedule(at: loop.now.advanced(by: Self.grace)) { [self] in
            if phase == .cleaning { close() }
        }
        if readiesDue == 0 { tidyUp(isOutside: false) }
    }

    /// The server is ready; what is left to do before the next call may come?
    func tidyUp(isOutside: Bool, after effect: Tool.Effect = .read) {
        if !isOutside {
            outbox.add("ROLLBACK")
            readiesDue += 1
        }
        if effect == .write, isOutside {
            outbox.add(PostgresMaking.reset)
            readiesDue += 1
        }
        // A statement to be closed waits in the outbox without an answer of its own.
        if readiesDue == 0, outbox.isWaiting {
            outbox.addSync()
            readiesDue += 1
        }
        guard readiesDue > 0 else { return becomeIdle() }
        if timer == nil { startCleaning() }
        flush()
    }

    private func becomeIdle() {
        // The cancel may still be on its way, and would hit the next call.
        guard !isCancelling, phase == .cleaning else { return }
        dropTimer()
        phase = .idle
        inbox.shrink()
        pool.release(self)
    }

    /// The connection is of no more use, and what it was doing is as far as we can tell.
    private func broke() {
        guard phase != .closed else { return }
        if phase == .running, let first = underway.first {
            finish(
                first.exchange.outcomeWhenBroken(
                    stopped: first.stopReason, mayBeMade: wasEndSent && !isPreparing))
        }
        close()
    }

    func close() {
        guard phase != .running || underway.isEmpty else { return broke() }
        guard phase != .closed else { return }
        phase = .closed
        abandon()
        loop.deregister(socket.number)
        link.close()
        pool.lost(self)
    }

    func wake() {
        if phase != .closed { flush() }
    }

    func flush() {
        if !outbox.flush(to: socket) { broke() }
    }
}
