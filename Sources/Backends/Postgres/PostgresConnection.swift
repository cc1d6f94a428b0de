internal import Enforcement
internal import EventLoop
internal import JSON

/// One connection on its loop: one call at a time, and what must be tidied up behind it.
///
/// It must never be given to the next call before the server has said that it is ready, a cancel
/// under way has ended, and nothing of the call before is left in the session.
///
/// Sendable although it has plain variables: they are touched on `loop` only.
@safe
final class PostgresConnection: EventSource, @unchecked Sendable {
    enum Phase { case idle, running, cleaning, closed }

    /// A turn reads no more than this before others have theirs.
    private static let turnBytes = 1 << 20
    private static let preparedMax = 256
    /// For the server to say what became of a change that was stopped, and to tidy up.
    private static let grace = Duration.seconds(5)
    let id: Int
    private let pool: PostgresPool
    private let loop: EventLoop
    private let link: PostgresLink
    private let socket: PostgresSocket
    private let canceller: PostgresCanceller

    private(set) var phase = Phase.idle
    private var sawEnd = false
    private var inbox = PostgresInbox()
    private var outbox = PostgresMessages()
    private var sentBytes = 0
    private var prepared: [Int] = []
    /// The statement that the server is being asked to prepare.
    private var preparing: Int?

    private var exchange: PostgresExchange?
    private var call: PostgresCall?
    private var waiter: UnsafeContinuation<PostgresOutcome, Never>?
    private var timer: LoopTimer?
    private var stopReason: BackendError.Reason?
    private var generation = 0
    /// Nothing but the preparation of a change was sent yet.
    private var isPreparing = false
    private var wasEndSent = false
    private var isCancelling = false
    /// How often the server has yet to say that it is ready.
    private var readiesDue = 0

    init?(_ id: Int, _ made: PostgresMade, pool: PostgresPool) {
        guard let socket = PostgresSocket(made.link), let canceller = PostgresCanceller(made.link)
        else { return nil }
        self.id = id
        self.pool = pool
        loop = pool.loop
        link = made.link
        self.socket = socket
        self.canceller = canceller
        do throws(SystemError) {
            try loop.register(
                socket.number, [.readable, .writable, .peerClosed, .edgeTriggered], self)
        } catch { return nil }
    }

    // MARK: A call

    func run(_ call: PostgresCall) async -> PostgresOutcome {
        generation &+= 1
        let generation = generation
        return await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation { continuation in
                unsafe waiter = continuation
                start(call)
            }
        } onCancel: {
            loop.execute { self.stop(.cancelled, generation) }
        }
    }

    private func start(_ call: PostgresCall) {
        guard phase == .idle else {
            resume(.untouched)
            return
        }
        // What becomes of a change that is sent to a closed connection, nobody could tell.
        if call.effect == .write, !socket.isQuiet { return close() }
        phase = .running
        self.call = call
        stopReason = nil
        let generation = generation
        timer = loop.schedule(at: call.deadline) { [self] in stop(.timedOut, generation) }
        let isPrepared = prepared.contains(call.plan.number)
        // A change runs only after its statement is known to be what was examined.
        isPreparing = call.effect == .write && !isPrepared
        if isPreparing { prepareOnly(call.plan) } else { send(call, prepares: !isPrepared) }
    }

    private func prepareOnly(_ plan: PostgresPlan) {
        exchange = PostgresExchange(
            plan, effect: .write, limits: ToolLimits(), prepares: true)
        prepare(plan)
        outbox.sync()
        readiesDue = 1
        flush()
    }

    /// Begin, settings, statement, end: one write. Where rows of a change may be too many for its
    /// answer, the end waits until they are here.
    private func send(_ call: PostgresCall, prepares: Bool) {
        let plan = call.plan
        exchange = PostgresExchange(
            plan, effect: call.effect, limits: call.limits, prepares: prepares)
        outbox.bind(call.effect == .read ? .beginReading : .beginWriting)
        outbox.execute()
        outbox.bind(.open, call.settings)
        outbox.execute()
        if prepares { prepare(plan) }
        outbox.bind(.tool(plan.number), call.arguments)
        outbox.execute(rowsMax: plan.columns.isEmpty ? 0 : call.limits.rows + 1)
        wasEndSent = call.effect == .read || plan.columns.isEmpty
        if wasEndSent {
            outbox.bind(call.effect == .read ? .rollback : .commit)
            outbox.execute()
        }
        outbox.sync()
        readiesDue = 1
        flush()
    }

    private func prepare(_ plan: PostgresPlan) {
        if prepared.count >= Self.preparedMax { forget(prepared[0]) }
        preparing = plan.number
        outbox.parse(.tool(plan.number), plan.text)
        outbox.describe(.tool(plan.number))
    }

    private func forget(_ statement: Int) {
        prepared.removeAll { $0 == statement }
        outbox.close(.tool(statement))
    }

    /// The caller is gone or its time is over. A read is answered at once; of a change the server
    /// has the last word.
    private func stop(_ reason: BackendError.Reason, _ generation: Int) {
        guard generation == self.generation, phase == .running, let call else { return }
        guard stopReason == nil else { return }
        stopReason = reason
        cancelOnServer()
        dropTimer()
        if call.effect == .read || isPreparing {
            resume(.failed(BackendError(reason, detail: "stopped")))
            startCleaning()
        } else {
            timer = loop.schedule(at: loop.now.advanced(by: Self.grace)) { [self] in
                if generation == self.generation, phase == .running { broke() }
            }
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
        if events.contains(.writable), sentBytes < outbox.bytes.count { flush() }
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
                exchange?.bytesMax(ofType: type) ?? 1 << 20
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
        // Also when nobody waits for it any more: its name is taken.
        if unsafe frame.type == UInt8(ascii: "1"), let statement = preparing {
            prepared.append(statement)
            preparing = nil
        }
        guard phase == .running else { return unsafe takeAside(frame) }
        guard let step = unsafe exchange?.take(frame) else { return broke() }
        switch step {
        // Nothing more comes of a connection that the server has given up.
        case .goOn where exchange?.fault?.isFatal == true: broke()
        case .goOn, .mayEnd: break
        case .cut: cut()
        case .ready(let isOutside): takeReady(isOutside: isOutside)
        case .broken: broke()
        }
    }

    /// Outside of a call: what is left of the one before, and what the server says by itself.
    private func takeAside(_ frame: PostgresFrame) {
        switch unsafe (frame.type, phase) {
        case (UInt8(ascii: "Z"), .cleaning):
            preparing = nil
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
        guard let call, call.effect == .read, let exchange else { return }
        // At the limit of rows the server has stopped by itself.
        guard exchange.cells.rows.rowCount < call.limits.rows else { return }
        cancelOnServer()
        finish(exchange.outcome(stopped: stopReason))
        startCleaning()
    }

    private func takeTooLong(_ type: UInt8) {
        if type == UInt8(ascii: "D"), phase == .running, var exchange, let call {
            exchange.cut()
            cancelOnServer()
            let tooMuch = BackendError(.result, detail: "a change returns more than its limits")
            finish(
                call.effect == .read
                    ? exchange.outcome(stopped: stopReason) : .failed(tooMuch))
        }
        broke()
    }

    private func takeReady(isOutside: Bool) {
        readiesDue -= 1
        guard let call, let exchange else { return broke() }
        preparing = nil
        if exchange.isStale || exchange.isOutdated { forget(call.plan.number) }
        if isPreparing, exchange.fault == nil, !exchange.isStale {
            isPreparing = false
            return stopReason == nil ? send(call, prepares: false) : startCleaning()
        }
        if exchange.fault == nil, !wasEndSent, !isPreparing {
            return endChange(exchange)
        }
        finish(exchange.outcome(stopped: stopReason))
        phase = .cleaning
        tidyUp(isOutside: isOutside, after: call.effect)
    }

    /// The rows of a change are here and it stands open: it is made only if they can be shown.
    private func endChange(_ exchange: PostgresExchange) {
        let mayStand =
            stopReason == nil && !exchange.cells.rows.isTruncated && exchange.cells.fault == nil
        guard mayStand else {
            let reason = stopReason ?? .result
            finish(.failed(BackendError(reason, detail: "not made: its answer cannot be shown")))
            phase = .cleaning
            return tidyUp(isOutside: false, after: .write)
        }
        wasEndSent = true
        outbox.bind(.commit)
        outbox.execute()
        outbox.sync()
        readiesDue = 1
        flush()
    }

    // MARK: Ends

    private func finish(_ outcome: PostgresOutcome) {
        dropTimer()
        resume(outcome)
        exchange = nil
        call = nil
    }

    private func resume(_ outcome: PostgresOutcome) {
        guard let continuation = unsafe waiter else { return }
        unsafe waiter = nil
        unsafe continuation.resume(returning: outcome)
    }

    private func dropTimer() {
        if let timer { loop.cancel(timer) }
        timer = nil
    }

    private func startCleaning() {
        phase = .cleaning
        exchange = nil
        call = nil
        dropTimer()
        let generation = generation
        timer = loop.schedule(at: loop.now.advanced(by: Self.grace)) { [self] in
            if generation == self.generation, phase == .cleaning { close() }
        }
        if readiesDue == 0 { tidyUp(isOutside: false) }
    }

    /// The server is ready; what is left to do before the next call may come?
    private func tidyUp(isOutside: Bool, after effect: Tool.Effect = .read) {
        if !isOutside {
            outbox.query("ROLLBACK")
            readiesDue += 1
        }
        if effect == .write, isOutside {
            outbox.query(PostgresMaking.reset)
            readiesDue += 1
        }
        // A statement to be closed waits in the outbox without an answer of its own.
        if readiesDue == 0, !outbox.isEmpty, sentBytes == 0 {
            outbox.sync()
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
        if let exchange, phase == .running {
            finish(
                exchange.outcomeWhenBroken(
                    stopped: stopReason, mayBeMade: wasEndSent && !isPreparing))
        }
        close()
    }

    func close() {
        guard phase != .closed else { return }
        phase = .closed
        dropTimer()
        loop.deregister(socket.number)
        link.close()
        resume(.untouched)
        pool.lost(self)
    }

    private func flush() {
        while sentBytes < outbox.bytes.count {
            let outcome = unsafe outbox.bytes.withUnsafeBytes { bytes in
                unsafe socket.write(UnsafeRawBufferPointer(rebasing: bytes[sentBytes...]))
            }
            switch outcome {
            case .done(let count): sentBytes += count
            case .wouldBlock: return
            case .failed: return broke()
            }
        }
        sentBytes = 0
        outbox.removeAll()
    }
}
