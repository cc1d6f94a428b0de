package import Enforcement
package import JSON
import Synchronization

/// What the fakes of one test did, in order.
package final class Journal: Sendable {
    private let noted = Mutex<[String]>([])

    package init() {}

    package func note(_ entry: String) { noted.withLock { $0.append(entry) } }

    package var entries: [String] { noted.withLock { $0 } }
}

/// Keeps every line in memory and notes each append as `append intent+outcome`.
package final class RecordingSink: RecordSink {
    private struct State {
        var bodies: [[UInt8]] = []
        var appends = 0
        var evidence: RecordEvidence?
        var answers: [AnswerBody] = []
    }

    private let journal: Journal
    private let fails: @Sendable (Int) -> Bool
    private let state = Mutex(State())

    /// `fails` is asked with the number of appends before this one.
    package init(journal: Journal = Journal(), fails: @escaping @Sendable (Int) -> Bool) {
        self.journal = journal
        self.fails = fails
    }

    package convenience init(journal: Journal = Journal()) {
        self.init(journal: journal) { _ in false }
    }

    package func append(_ bodies: [[UInt8]]) async throws(RecordError) -> RecordReceipt {
        let events = bodies.map { Self.line($0)?["event"]?.string ?? "?" }.joined(separator: "+")
        let number = state.withLock { state in
            defer { state.appends += 1 }
            return state.appends
        }
        for body in bodies { Self.demandForm(of: body) }
        if fails(number) {
            journal.note("refuse \(events)")
            throw .unavailable("the disk of the test")
        }
        journal.note("append \(events)")
        let (count, evidence) = state.withLock { state in
            state.bodies += bodies
            return (state.bodies.count, state.evidence)
        }
        return RecordReceipt(lines: count - bodies.count...count - 1, evidence: evidence)
    }

    package func append(
        _ bodies: [[UInt8]], keeping answer: AnswerBody?
    ) async throws(RecordError) -> RecordReceipt {
        if let answer { state.withLock { $0.answers.append(answer) } }
        return try await append(bodies)
    }

    /// What was to be kept.
    package var answers: [AnswerBody] { state.withLock { $0.answers } }

    /// With every receipt from now on.
    package func give(_ evidence: RecordEvidence) { state.withLock { $0.evidence = evidence } }

    package var bodies: [[UInt8]] { state.withLock { $0.bodies } }

    package var text: String {
        bodies.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
    }

    /// Every line as the object that it becomes; one that is no JSON is absent.
    package var lines: [JSONValue] { bodies.compactMap(Self.line) }

    /// A line of another form than the documented one would break every reader.
    private static func demandForm(of body: [UInt8]) {
        let faults = (try? RecordSchema.faults(ofBody: body)) ?? ["not JSON"]
        precondition(
            faults.isEmpty,
            "docs/record.schema.json does not know this line: \(faults): \(String(decoding: body, as: UTF8.self))"
        )
    }

    private static func line(_ body: [UInt8]) -> JSONValue? {
        try? JSONParser.parse([UInt8(ascii: "{")] + body + [UInt8(ascii: "}")])
    }
}

/// Answers as the test says and notes each call as `run TOOL`.
package final class ScriptedBackend: CallRunner {
    package typealias Script = @Sendable (Job) async throws(BackendError) -> RawResult

    private let journal: Journal
    private let script: Script
    private let examined: Examine?

    /// What a call would touch, for tools that are not settled at load.
    package typealias Examine = @Sendable (Job) -> CallExamination

    package init(
        journal: Journal = Journal(), examine: Examine? = nil, _ script: @escaping Script
    ) {
        self.journal = journal
        self.script = script
        examined = examine
    }

    package func examine(_ job: Job) async throws(BackendError) -> CallExamination {
        examined?(job)
            ?? CallExamination(
                examination: job.tool.examination, request: .sql(text: "", parameters: []))
    }

    package func run(_ call: consuming ClearedCall) async throws(BackendError) -> RawResult {
        let job = call.job
        journal.note("run \(job.tool.name)")
        return try await script(job)
    }
}

/// Seconds since 1970 that pass when the test says so.
package final class ManualClock: Sendable {
    private let seconds: Mutex<Int>

    package init(_ seconds: Int = 1_800_000_000) { self.seconds = Mutex(seconds) }

    package var now: Int { seconds.withLock { $0 } }

    package func advance(by count: Int) { seconds.withLock { $0 += count } }
}

/// Opens once; who waits before that is held.
package final class Latch: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    package init() {}

    package func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    package func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}

/// Numbers that are the same in every run.
package struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
