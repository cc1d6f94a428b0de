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
    }

    private let state = Mutex(State())
    package let holder: Name = "this process"

    package init() {}

    package func fail(_ failure: StateError?) { state.withLock { $0.failure = failure } }

    /// Larger entries find no room from now on.
    package func shrink(to bodyMax: Int) { state.withLock { $0.bodyMax = bodyMax } }

    package func kill(_ holder: Name) { _ = state.withLock { $0.dead.insert(holder) } }

    package func isRunning(_ holder: Name) -> Bool {
        state.withLock { !$0.dead.contains(holder) }
    }

    package func spend(_ nonce: [UInt8], until expires: Int) async throws(StateError) -> Bool {
        try change { $0.nonces.insert(nonce).inserted }
    }

    package func insert(_ entry: StateEntry, most: Int) async throws(StateError) -> Bool {
        try change { state in
            guard state.entries.values.filter({ $0.owner == entry.owner }).count < most else {
                return false
            }
            var entry = entry
            entry.version = 1
            state.entries[entry.id] = entry
            return true
        }
    }

    package func entry(_ kind: StateEntry.Kind, _ id: Name) async throws(StateError) -> StateEntry?
    {
        try change { $0.entries[id] }
    }

    package func replace(_ entry: StateEntry) async throws(StateError) -> Bool {
        if entry.body.count > state.withLock({ $0.bodyMax }) {
            throw StateError(.full, detail: "")
        }
        return try change { state in
            guard state.entries[entry.id]?.version == entry.version else { return false }
            var entry = entry
            entry.version += 1
            state.entries[entry.id] = entry
            return true
        }
    }

    private func change<Value: Sendable>(
        _ body: (inout State) -> Value
    ) throws(StateError) -> Value {
        let result: Result<Value, StateError> = state.withLock { state in
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
