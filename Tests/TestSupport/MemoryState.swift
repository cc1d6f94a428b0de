package import Enforcement
package import JSON
import Synchronization

/// A store that forgets with the test, and fails when it is told to.
package final class MemoryState: StateStore {
    private struct State {
        var nonces: Set<[UInt8]> = []
        var entries: [Name: StateEntry] = [:]
        var failure: StateError?
        var bodyMax = Int.max
        var dead: Set<Name> = []
        var grantMark: UInt64 = 0
        var waiting: [UInt64: (id: Name, latch: Latch)] = [:]
        var waitCount: UInt64 = 0
        /// Told of each call that waits.
        var onWait: (@Sendable () -> Void)?
    }

    /// What several processes share.
    private final class Shared: Sendable {
        let state = Mutex(State())
    }

    private let shared: Shared
    package let holder: Name

    package init() {
        shared = Shared()
        holder = "this process"
    }

    private init(_ shared: Shared, _ holder: Name) {
        self.shared = shared
        self.holder = holder
    }

    /// The same store as another process sees it.
    package func process(_ holder: Name) -> MemoryState { MemoryState(shared, holder) }

    package func fail(_ failure: StateError?) { shared.state.withLock { $0.failure = failure } }

    /// Larger entries find no room from now on.
    package func shrink(to bodyMax: Int) { shared.state.withLock { $0.bodyMax = bodyMax } }

    package func kill(_ holder: Name) { _ = shared.state.withLock { $0.dead.insert(holder) } }

    package func onWait(_ body: @escaping @Sendable () -> Void) {
        shared.state.withLock { $0.onWait = body }
    }

    package func isRunning(_ holder: Name) -> Bool {
        shared.state.withLock { !$0.dead.contains(holder) }
    }

    package var grantMark: UInt64 { shared.state.withLock { $0.grantMark } }

    package func spend(_ nonce: [UInt8], until expires: Int) async throws(StateError) -> Bool {
        try change { $0.nonces.insert(nonce).inserted }
    }

    package func insert(_ entry: StateEntry, most: Int) async throws(StateError) -> Bool {
        try change { state in
            let others = state.entries.values.filter { $0.kind == entry.kind }
            guard others.count(where: { $0.owner == entry.owner }) < most,
                entry.topic == nil || !others.contains(where: { $0.topic == entry.topic })
            else { return false }
            var entry = entry
            entry.version = 1
            state.entries[entry.id] = entry
            if entry.kind == .grant { state.grantMark += 1 }
            return true
        }
    }

    package func entry(_ kind: StateEntry.Kind, _ id: Name) async throws(StateError) -> StateEntry?
    {
        try change { $0.entries[id] }
    }

    package func entry(
        _ kind: StateEntry.Kind, about topic: Digest32
    ) async throws(StateError) -> StateEntry? {
        try change { state in
            state.entries.values.first { $0.kind == kind && $0.topic == topic }
        }
    }

    package func entries(
        _ kind: StateEntry.Kind, in phase: Name?, most: Int
    ) async throws(StateError) -> [StateEntry] {
        try change { state in
            let found = state.entries.values.filter {
                $0.kind == kind && (phase == nil || $0.phase == phase)
            }
            return Array(found.sorted { $0.id < $1.id }.prefix(most))
        }
    }

    package func replace(_ entry: StateEntry) async throws(StateError) -> Bool {
        if entry.body.count > shared.state.withLock({ $0.bodyMax }) {
            throw StateError(.full, detail: "")
        }
        let waiting: [Latch]? = try change { state in
            guard state.entries[entry.id]?.version == entry.version else { return nil }
            var entry = entry
            entry.version += 1
            state.entries[entry.id] = entry
            if entry.kind == .grant { state.grantMark += 1 }
            return state.waiting.values.filter { $0.id == entry.id }.map(\.latch)
        }
        for latch in waiting ?? [] { latch.open() }
        return waiting != nil
    }

    /// Waits for the change itself; the limit is the test's business.
    package func change(
        of kind: StateEntry.Kind, _ id: Name, after version: Int, within limit: Duration
    ) async {
        let latch = Latch()
        let (place, onWait) = shared.state.withLock { state in
            state.waitCount += 1
            state.waiting[state.waitCount] = (id, latch)
            if state.entries[id]?.version != version { latch.open() }
            return (state.waitCount, state.onWait)
        }
        onWait?()
        await withTaskCancellationHandler {
            await latch.wait()
        } onCancel: {
            latch.open()
        }
        shared.state.withLock { $0.waiting[place] = nil }
    }

    /// All who wait look again.
    package func wakeAll() {
        let latches = shared.state.withLock { $0.waiting.values.map(\.latch) }
        for latch in latches { latch.open() }
    }

    private func change<Value: Sendable>(
        _ body: (inout State) -> Value
    ) throws(StateError) -> Value {
        let result: Result<Value, StateError> = shared.state.withLock { state in
            if let failure = state.failure { return .failure(failure) }
            return .success(body(&state))
        }
        return try result.get()
    }
}

/// A client that answers as the test says, and notes each question as `ask`.
package final class ScriptedPrompt: CallerPrompt {
    package typealias Script = @Sendable (Question) async -> PromptOutcome

    private let journal: Journal
    private let script: Script

    package init(journal: Journal = Journal(), _ script: @escaping Script) {
        self.journal = journal
        self.script = script
    }

    package func ask(_ question: Question, within limit: Duration) async -> PromptOutcome {
        journal.note("ask")
        return await script(question)
    }
}
