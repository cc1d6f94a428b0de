internal import Enforcement
internal import EventLoop
internal import JSON
internal import Synchronization

/// The connections of one backend on one loop: does what `PoolStateMachine` decides.
///
/// Sendable although it has plain variables: they are touched on `loop` only.
final class PostgresPool: @unchecked Sendable {
    private static let sweepInterval = Duration.seconds(5)

    let loop: EventLoop
    let workers: WorkerPool
    private let options: PostgresOptions
    /// The roles that the login may take on, as the newest connection saw them.
    private let roles: PostgresRoles
    private var state: PoolStateMachine
    private var connections: [Int: PostgresConnection] = [:]
    /// The connection that a caller took last: its next quick reads may stand behind that one.
    private var latest: [CallerID: PostgresConnection] = [:]
    private var waiters: [Int: Waiter] = [:]
    private var nextWaiter = 1
    private var sweep: LoopTimer?
    private var wakeUp: LoopTimer?
    /// For the other loops: whether a call from there would get a connection without waiting for
    /// another's end. What has changed since is seen when it comes.
    private let isOpen: Atomic<Bool>

    @safe
    private struct Waiter {
        let caller: CallerID
        let continuation: UnsafeContinuation<Result<PostgresConnection, BackendError>, Never>
        let timer: LoopTimer
    }

    init(
        _ options: PostgresOptions, limits: PoolStateMachine.Limits, roles: PostgresRoles,
        workers: WorkerPool, loop: EventLoop
    ) {
        self.options = options
        self.roles = roles
        self.workers = workers
        self.loop = loop
        state = PoolStateMachine(limits)
        isOpen = Atomic(limits.max > 0)
    }

    var hasRoom: Bool { isOpen.load(ordering: .relaxed) }

    /// Whether all that this caller may have here is taken, and by calls that are not over in a
    /// moment.
    func isTakenForLong(from caller: CallerID, _ plan: PostgresPlan) -> Bool {
        guard !state.mayServe(caller) else { return false }
        return !plan.isQuick || connections.values.allSatisfy { !$0.isQuick }
    }

    private func tellRoom() {
        let hasRoom = state.hasRoom
        if isOpen.load(ordering: .relaxed) != hasRoom {
            isOpen.store(hasRoom, ordering: .relaxed)
        }
    }

    /// A connection for one call, which gives it back itself. With a plan, also one on which
    /// another call of this caller is under way, behind which this one may stand.
    func take(
        for caller: CallerID, until deadline: MonotonicTime, joining plan: PostgresPlan? = nil
    ) async throws(BackendError) -> PostgresConnection {
        if let plan, let last = latest[caller],
            last.mayTake(plan, isLast: !state.hasIdle(for: caller))
        {
            return last
        }
        let connection = try await lease(to: caller, until: deadline)
        connection.holder = caller
        latest[caller] = connection
        return connection
    }

    private func lease(
        to caller: CallerID, until deadline: MonotonicTime
    ) async throws(BackendError) -> PostgresConnection {
        let waiter = nextWaiter
        nextWaiter &+= 1
        switch state.request(waiter, by: caller, now: loop.now) {
        case .leased(let id):
            tellRoom()
            guard let connection = connections[id] else {
                throw BackendError(.failed, detail: "the pool has lost a connection")
            }
            return connection
        case .refused(let failure): throw Self.error(failure)
        case .waits: break
        }
        let limit = min(deadline, loop.now.advanced(by: options.pool.wait))
        let outcome = await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation { continuation in
                let timer = loop.schedule(at: limit) { [self] in
                    giveUp(waiter, limit == deadline ? .timedOut : nil)
                }
                unsafe waiters[waiter] = Waiter(
                    caller: caller, continuation: continuation, timer: timer)
                perform()
            }
        } onCancel: {
            loop.execute { self.giveUp(waiter, .cancelled) }
        }
        return try outcome.get()
    }

    func release(_ connection: PostgresConnection) {
        forget(connection)
        state.released(connection.id, now: loop.now)
        perform()
    }

    func lost(_ connection: PostgresConnection) {
        forget(connection)
        connections[connection.id] = nil
        state.lost(connection.id, now: loop.now)
        perform()
    }

    private func forget(_ connection: PostgresConnection) {
        guard let holder = connection.holder else { return }
        connection.holder = nil
        if latest[holder] === connection { latest[holder] = nil }
    }

    /// What is leased is closed when it is given back.
    func close() {
        state.close()
        perform()
    }

    private func giveUp(_ waiter: Int, _ reason: BackendError.Reason?) {
        guard let waiting = waiters.removeValue(forKey: waiter) else { return }
        loop.cancel(waiting.timer)
        let failure = state.giveUp(waiter, of: waiting.caller)
        tellRoom()
        let error = reason.map { BackendError($0, detail: "while waiting for a connection") }
        unsafe waiting.continuation.resume(
            returning: .failure(error ?? Self.error(failure ?? .busy)))
    }

    private static func error(_ failure: PoolStateMachine.Failure) -> BackendError {
        switch failure {
        case .busy: BackendError(.busy, detail: "all connections are taken")
        case .unavailable: BackendError(.unavailable, detail: "no connection can be made")
        }
    }

    private func perform() {
        while true {
            let actions = state.takeActions()
            if actions.isEmpty { return tellRoom() }
            for action in actions { perform(action) }
        }
    }

    private func perform(_ action: PoolStateMachine.Action) {
        switch action {
        case .connect(let id): connect(id)
        case .close(let id): connections.removeValue(forKey: id)?.close()
        case .lease(let id, let waiter):
            guard let waiting = waiters.removeValue(forKey: waiter),
                let connection = connections[id]
            else { return }
            loop.cancel(waiting.timer)
            unsafe waiting.continuation.resume(returning: .success(connection))
        case .fail(let waiter, let failure):
            guard let waiting = waiters.removeValue(forKey: waiter) else { return }
            loop.cancel(waiting.timer)
            unsafe waiting.continuation.resume(returning: .failure(Self.error(failure)))
        case .wake(let time):
            if let wakeUp { loop.cancel(wakeUp) }
            wakeUp = loop.schedule(at: time) { [weak self] in self?.tick() }
        }
    }

    private func tick() {
        state.tick(now: loop.now)
        perform()
    }

    private func connect(_ id: Int) {
        let options = options
        Task(executorPreference: loop) { [self] in
            let outcome = try? await workers.run { _ in
                Result { () throws(PostgresFailure) in try PostgresMaking.make(options) }
            }
            if case .success(let made)? = outcome {
                roles.replace(with: made.roles)
                if let connection = PostgresConnection(id, made, pool: self) {
                    connections[id] = connection
                    state.connected(id, now: loop.now)
                    startSweeping()
                    return perform()
                }
            }
            state.connectFailed(id, now: loop.now)
            perform()
        }
    }

    private func startSweeping() {
        guard sweep == nil else { return }
        sweep = loop.schedule(at: loop.now.advanced(by: Self.sweepInterval)) { [weak self] in
            guard let self else { return }
            sweep = nil
            tick()
            if !connections.isEmpty { startSweeping() }
        }
    }
}

/// What connections found about their login, for the calls of every loop.
final class PostgresRoles: Sendable {
    private let roles = Mutex<Set<Name>>([])

    func replace(with found: Set<Name>) { roles.withLock { $0 = found } }

    func contains(_ role: Name) -> Bool { roles.withLock { $0.contains(role) } }
}
