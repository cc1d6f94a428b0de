internal import Enforcement
internal import EventLoop
internal import JSON
internal import Synchronization

/// Reads that are over sooner than a worker wakes, run on the loop that asks for them.
///
/// A statement comes here when workers have found it quick, and ends after two thousand operations
/// of SQLite's machine at most, or where a lock is held. What goes wrong here is a worker's to find
/// out: a read can be begun anew. A statement that was not quick after all is theirs for long.
///
/// `@unchecked Sendable`: only the loop's own thread uses it.
final class SQLiteLane: @unchecked Sendable {
    /// About what it costs to have a worker do it, twice over.
    static let quick = Duration.microseconds(100)
    /// A loop that is held up for longer serves nobody well. Once may be the machine's doing, so
    /// often in a row is the statement's.
    static let long = Duration.milliseconds(1)
    static let strikes = 3
    /// Quick runs on workers, in a row, before one is tried here.
    static let trial = 3
    /// The same after it was not quick here.
    static let penalty = 1_000
    /// More statements than the manifests of one backend declare.
    private static let knownMax = 1_000

    private let options: SQLiteOptions
    /// Held, so that no other loop gets its place in memory.
    private let loop: EventLoop
    private var connection: SQLiteConnection?
    /// How many quick runs each statement still owes.
    private var owed: [Name: Int] = [:]
    private var longRuns = 0
    /// For tests.
    let answered = Atomic<Int>(0)

    init(_ options: SQLiteOptions, on loop: EventLoop) {
        self.options = options
        self.loop = loop
    }

    /// Nil where a worker should run the call.
    func run(_ job: Job) -> RawResult? {
        let text = Name(job.statementText)
        guard owed[text] == 0, let connection = open() else { return nil }
        let start = ContinuousClock.now
        let answer = try? connection.run(job, SQLiteCancellation())
        if connection.isBroken { self.connection = nil }
        longRuns = ContinuousClock.now - start > Self.long ? longRuns + 1 : 0
        if answer == nil || longRuns >= Self.strikes { owed[text] = Self.penalty }
        if answer != nil { answered.add(1, ordering: .relaxed) }
        return answer
    }

    /// What a worker took for a call that was not run here.
    func took(_ time: Duration, _ job: Job) {
        let text = Name(job.statementText)
        if owed.count >= Self.knownMax, owed[text] == nil { owed = [:] }
        let left = owed[text, default: Self.trial]
        owed[text] = time < Self.quick ? max(0, left - 1) : max(left, Self.trial)
    }

    private func open() -> SQLiteConnection? {
        if let connection { return connection }
        connection = try? SQLiteConnection(
            file: options.file, effect: .read, busyTimeout: .zero)
        connection?.watch.isBrief = true
        return connection
    }
}
