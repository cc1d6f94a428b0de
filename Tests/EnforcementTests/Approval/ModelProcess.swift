import JSON
import Synchronization
import TestSupport

@testable import Enforcement

/// One server process of the model: a gate and a desk on the shared store, until it is killed.
/// From then on nothing of it reaches store or record any more, wherever it was.
final class ModelProcess: Sendable {
    let holder: Name
    private let shared: MemoryState
    private let isDead = Atomic<Bool>(false)

    init(_ holder: Name, on shared: MemoryState) {
        self.holder = holder
        self.shared = shared
    }

    var isAlive: Bool { !isDead.load(ordering: .relaxed) }

    func kill() {
        isDead.store(true, ordering: .relaxed)
        shared.kill(holder)
    }
}

/// The store as one process sees it, with the others at work in between.
struct ModelStore: StateStore {
    enum Flaw { case none, comparesNothing }

    let process: ModelProcess
    let inner: MemoryState
    let world: ApprovalModel
    let flaw: Flaw

    var holder: Name { process.holder }
    var grantMark: UInt64 { inner.grantMark }

    private func demandLife() throws(StateError) {
        guard process.isAlive else { throw StateError(.unavailable, detail: "killed") }
    }

    func spend(_ nonce: [UInt8], until expires: Int) async throws(StateError) -> Bool {
        try await inner.spend(nonce, until: expires)
    }

    func insert(_ entry: StateEntry, most: Int) async throws(StateError) -> Bool {
        await world.interject(process)
        try demandLife()
        let isStored = try await inner.insert(entry, most: most)
        if isStored { await world.opened(entry) }
        await world.mayKill(process)
        try demandLife()
        return isStored
    }

    func entry(_ kind: StateEntry.Kind, _ id: Name) async throws(StateError) -> StateEntry? {
        try demandLife()
        return try await inner.entry(kind, id)
    }

    func entry(
        _ kind: StateEntry.Kind, about topic: Digest32
    ) async throws(StateError) -> StateEntry? {
        try demandLife()
        return try await inner.entry(kind, about: topic)
    }

    func entries(
        _ kind: StateEntry.Kind, in phase: Name?, most: Int
    ) async throws(StateError) -> [StateEntry] {
        try demandLife()
        return try await inner.entries(kind, in: phase, most: most)
    }

    func replace(_ entry: StateEntry) async throws(StateError) -> Bool {
        await world.interject(process)
        try demandLife()
        var entry = entry
        if flaw == .comparesNothing, let stored = try await inner.entry(entry.kind, entry.id) {
            entry.version = stored.version
        }
        let isStored = try await inner.replace(entry)
        await world.mayKill(process)
        try demandLife()
        return isStored
    }

    /// The others go on meanwhile; who waits for long goes away.
    func change(
        of kind: StateEntry.Kind, _ id: Name, after version: Int, within limit: Duration
    ) async {
        if await !world.passTime(process) { withUnsafeCurrentTask { $0?.cancel() } }
    }

    func isRunning(_ holder: Name) -> Bool { inner.isRunning(holder) }
}

struct ModelSink: RecordSink {
    let process: ModelProcess

    func append(_ bodies: [[UInt8]]) async throws(RecordError) -> RecordReceipt {
        guard process.isAlive else { throw .closed }
        return RecordReceipt(lines: 0...bodies.count - 1)
    }
}

struct ModelBackend: CallRunner {
    let process: ModelProcess
    let world: ApprovalModel

    func examine(_ job: Job) async throws(BackendError) -> CallExamination {
        CallExamination(
            examination: job.tool.examination, request: .sql(text: "", parameters: []))
    }

    func run(_ call: consuming ClearedCall) async throws(BackendError) -> RawResult {
        let job = call.job
        if let failure = await world.run(job, in: process) { throw failure }
        return RawResult(rows: Rows(columnCount: 0), changed: 1)
    }
}
