// Which calls go on after their request was answered, and what became of them?
//
// The extension io.modelcontextprotocol/tasks, for tools whose manifest allows it and clients that
// say they follow tasks. A task is a call like any other: the same gate, the same record; only its
// answer is fetched. It is in the store before its caller hears of it, and what the store says is
// what the caller is told: memory holds nothing but the way to stop a task of this process. It
// must never tell anybody of a task that is not theirs, not even that there is one.

import Enforcement
import EventLoop
import JSON
import Synchronization

final class TaskDesk: Sendable {
    /// Of one caller, finished ones included until they expire.
    static let perCallerMax = 20

    private struct State {
        var running: [Name: Task<Void, Never>] = [:]
        var isStopping = false
        /// Who waits for the last to end.
        var waiting: CheckedContinuation<Void, Never>?
    }

    let store: any StateStore
    let now: @Sendable () -> Int
    /// Told of each change of a task's status.
    let changed: @Sendable (Name) -> Void
    private let state = Mutex(State())

    init(
        store: any StateStore, now: @escaping @Sendable () -> Int = WallClock.seconds,
        changed: @escaping @Sendable (Name) -> Void = { _ in }
    ) {
        self.store = store
        self.now = now
        self.changed = changed
    }

    /// The call's own answer when it ends before it could become a task, else the task's handle.
    func answer(
        to request: Request, from peer: Peer, in serving: Serving,
        _ arrived: (any Detachment) throws(RPCError) -> ArrivedCall
    ) async throws(RPCError) -> [UInt8] {
        guard let random = try? randomBytes(24) else {
            throw RPCError(.internal, "The system has no random bytes.", id: request.id)
        }
        let seat = TaskSeat(id: Name(Base64URL.encode(random)), caller: peer.caller, desk: self)
        let call = try arrived(seat)
        let work = start(seat.id, on: peer.loop) {
            let outcome = await serving.gate.answer(call)
            await seat.end(
                outcome,
                Self.answer(to: outcome) { () throws(RPCError) in
                    try ToolsCall.finished(outcome, to: request.id, for: peer, in: serving)
                        .inOnePiece
                }, on: peer.loop)
        }
        guard let work else {
            var error = RPCError(.internal, "The server is about to end.", id: request.id)
            error.retryAfterSeconds = 5
            throw error
        }
        let first = await withTaskCancellationHandler {
            await seat.first()
        } onCancel: {
            work.cancel()
        }
        switch first {
        case .ended(let result): return try result.get()
        case .begun(let task): return Self.created(task, in: serving)
        }
    }

    private static func answer(
        to outcome: Outcome, _ make: () throws(RPCError) -> [UInt8]
    ) -> Result<[UInt8], RPCError> {
        do throws(RPCError) { return .success(try make()) } catch { return .failure(error) }
    }

    private static func created(_ task: TaskState, in serving: Serving) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("resultType", "task")
        task.write(into: &writer, withPayload: false)
        serving.description.writeMeta(into: &writer)
        writer.endObject()
        return writer.finish()
    }

    // MARK: What runs in this process

    func cancel(_ id: Name) { state.withLock { $0.running[id] }?.cancel() }

    private func isRunning(_ id: Name) -> Bool { state.withLock { $0.running[id] != nil } }

    /// nil when the server is about to end.
    private func start(
        _ id: Name, on loop: EventLoop?, _ work: @escaping @Sendable () async -> Void
    ) -> Task<Void, Never>? {
        state.withLock { state in
            guard !state.isStopping else { return nil }
            let task = Task(executorPreference: loop) {
                await work()
                self.remove(id)
            }
            state.running[id] = task
            return task
        }
    }

    private func remove(_ id: Name) {
        let waiting: CheckedContinuation<Void, Never>? = state.withLock { state in
            state.running[id] = nil
            guard state.running.isEmpty else { return nil }
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Lets what runs end, and stops it at the deadline. No task begins any more.
    func drain(until deadline: MonotonicTime, on loop: EventLoop?) async {
        let timer = loop.map { loop in
            Task(executorPreference: loop) {
                do { try await loop.sleep(until: deadline) } catch { return }
                for work in self.state.withLock({ Array($0.running.values) }) { work.cancel() }
            }
        }
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                state.isStopping = true
                if state.running.isEmpty { return true }
                state.waiting = continuation
                return false
            }
            if isIdle { continuation.resume() }
        }
        timer?.cancel()
    }
}

// MARK: What the store knows

extension TaskDesk {
    /// nil for what is not there, has expired or is somebody else's: the three are one.
    func find(
        _ id: Name, for caller: IdentifiedCaller, via: Transport, in serving: Serving
    ) async throws(StateError) -> (task: TaskState, entry: StateEntry)? {
        await serving.gate.freshen()
        // Somebody may end it between reading and judging: then what they wrote counts.
        for _ in 0..<3 {
            guard let entry = try await store.entry(.task, id),
                entry.owner == caller.caller.mark, var task = TaskState(entry),
                serving.gate.admits(caller, to: task.tool, via: via)
            else { return nil }
            guard task.status == .working, !isHeld(entry) else { return (task, entry) }
            task.interrupt(now: now())
            let ended = task.ending(entry)
            if try await store.replace(ended) {
                changed(id)
                return (task, ended)
            }
        }
        throw StateError(.busy, detail: "a task changes faster than it can be read")
    }

    private func isHeld(_ entry: StateEntry) -> Bool {
        guard let holder = entry.holder else { return false }
        return holder == store.holder ? isRunning(entry.id) : store.isRunning(holder)
    }

    /// On a task of its own: whoever cancelled the call has not cancelled its end.
    fileprivate func keep(_ task: TaskState, of entry: StateEntry, on loop: EventLoop?) async {
        await Task(executorPreference: loop) {
            var task = task
            var isShort = false
            while true {
                do throws(StateError) {
                    _ = try await self.store.replace(task.ending(entry))
                    return self.changed(task.id)
                } catch {
                    if error.reason == .full, !isShort {
                        isShort = true
                        task.lose(now: self.now())
                        continue
                    }
                }
                guard let loop, self.now() < entry.expires, !self.isStopping,
                    (try? await loop.sleep(for: .seconds(1))) != nil
                else { return }
            }
        }.value
    }
}

/// One call that may become a task: the meeting point of the request, which waits for a first
/// word, and the call, which goes on.
private final class TaskSeat: Detachment {
    enum First: Sendable {
        case begun(TaskState)
        case ended(Result<[UInt8], RPCError>)
    }

    private struct State {
        var first: First?
        var waiting: CheckedContinuation<First, Never>?
        /// As it was stored at the beginning; nil as long as there is no task.
        var begun: (task: TaskState, entry: StateEntry)?
    }

    let id: Name
    private let caller: IdentifiedCaller
    private let desk: TaskDesk
    private let state = Mutex(State())

    init(id: Name, caller: IdentifiedCaller, desk: TaskDesk) {
        self.id = id
        self.caller = caller
        self.desk = desk
    }

    func first() async -> First {
        await withCheckedContinuation { continuation in
            let known: First? = state.withLock { state in
                if state.first == nil { state.waiting = continuation }
                return state.first
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    private func say(_ first: First) {
        let waiting: CheckedContinuation<First, Never>? = state.withLock { state in
            guard state.first == nil else { return nil }
            state.first = first
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume(returning: first)
    }

    var hasBegun: Bool { state.withLock { $0.begun != nil } }

    func begin(_ tool: Tool) async throws(Refusal) {
        // The client has gone before it had a handle: nobody could ask for the task.
        if Task.isCancelled { throw Refusal(.cancelled, "The call was cancelled and stopped.") }
        let task = TaskState(id: id, tool: tool, now: desk.now())
        var entry = task.entry(owner: caller.caller.mark, holder: desk.store.holder)
        let isStored: Bool
        do throws(StateError) {
            isStored = try await desk.store.insert(entry, most: TaskDesk.perCallerMax)
        } catch { throw Refusal(error) }
        guard isStored else { throw .tooManyTasks(most: TaskDesk.perCallerMax) }
        entry.version = 1
        state.withLock { $0.begun = (task, entry) }
        say(.begun(task))
    }

    func end(
        _ outcome: Outcome, _ answer: Result<[UInt8], RPCError>, on loop: EventLoop?
    ) async {
        guard let begun = state.withLock({ $0.begun }) else { return say(.ended(answer)) }
        var task = begun.task
        if case .refused(let refusal) = outcome, refusal.code == .cancelled {
            task.end(.cancelled, now: desk.now())
        } else {
            task.end(with: answer, now: desk.now())
        }
        await desk.keep(task, of: begun.entry, on: loop)
    }
}
