/// What does a tool on an SQLite file touch, and what comes out when it runs?
///
/// SQLite runs in this process and cannot be given a role of least privilege, so the walls are
/// ours: a connection that may only read (`SQLiteConnection`), an authorizer that denies by default
/// while statements compile and run (`SQLiteAuthorizer`), three judges of what is touched
/// (`SQLiteExaminer`), and a watch that ends what runs too long (`SQLiteWatch`).
///
/// Calls run on worker threads, each with its own connections and its own prepared statements, and
/// reads that are over sooner than a worker wakes on the loop that asks (`SQLiteLane`); nothing is
/// shared and nothing is locked. This folder must never run text that was
/// not examined, build text from values, or let SQLite's messages out at call time, since they may
/// quote what is stored.
package import Enforcement
package import EventLoop
internal import JSON
internal import Synchronization

package struct SQLiteOptions: Sendable {
    /// Absolute.
    package var file: String
    /// A script that makes the file when there is none.
    package var createFrom: [UInt8]?
    /// How long a call waits for another's lock, never longer than its deadline.
    package var busyTimeout: Duration

    package init(
        file: String, createFrom: [UInt8]? = nil, busyTimeout: Duration = .seconds(2)
    ) {
        self.file = file
        self.createFrom = createFrom
        self.busyTimeout = busyTimeout
    }
}

package final class SQLiteBackend: Backend {
    private let options: SQLiteOptions
    private let pool: WorkerPool
    private let turns: FairTurns
    /// By the pool's number of the worker; locked only to look one up.
    private let workers = Mutex<[Int: SQLiteWorker]>([:])
    /// By loop; locked only to look one up.
    private let lanes = Mutex<[ObjectIdentifier: SQLiteLane]>([:])
    /// Examinations come from whoever loads manifests, one at a time.
    private let examiner: Mutex<SQLiteExaminerSlot>
    /// Of callers' own statements.
    private let examined = ExaminedStatements<Examination>()

    package init(_ options: SQLiteOptions, pool: WorkerPool) throws(BackendError) {
        guard options.file.utf8.first == UInt8(ascii: "/"), !options.file.utf8.contains(0) else {
            throw BackendError(.invalid, detail: "an absolute path is needed")
        }
        if let script = options.createFrom {
            try SQLiteCreation.createIfMissing(options.file, from: script)
        }
        self.options = options
        self.pool = pool
        turns = FairTurns(share: pool.threadCount / 2)
        examiner = Mutex(SQLiteExaminerSlot())
    }

    package func examine(
        _ operation: Operation, effect: Tool.Effect
    ) throws(BackendError) -> Examination {
        if case .http = operation {
            throw BackendError(.invalid, detail: "an SQLite backend takes `sql`")
        }
        if case .describe = operation {
            _ = try columns()
            return SchemaDescription.examination
        }
        guard case .sql(let statement) = operation else {
            // A caller's statement is examined when it comes; the schema must be readable now.
            _ = try columns()
            return .ofCallers(effect)
        }
        let options = options
        return try examiner.withLock { (slot) throws(BackendError) in
            do throws(SQLiteFailure) {
                return try slot.examine(statement.text, effect, options)
            } catch {
                throw BackendError(examining: error)
            }
        }
    }

    package func columns() throws(BackendError) -> BackendColumns {
        let options = options
        return try examiner.withLock { (slot) throws(BackendError) in
            do throws(SQLiteFailure) {
                return try slot.columns(options)
            } catch {
                throw BackendError(examining: error)
            }
        }
    }

    package func examine(_ job: Job) async throws(BackendError) -> CallExamination {
        switch job.tool.operation {
        case .sql(let operation):
            let examination = job.tool.examination
            let values = try job.values()
            var parameters: [JSONValue] = []
            for name in examination.parameters {
                let value = values[name.text] ?? .null
                try SQLiteNumber.check(value, name)
                parameters.append(value)
            }
            return CallExamination(
                examination: examination,
                request: .sql(text: operation.text, parameters: parameters))
        case .freeSQL(let operation):
            let statement = try CallersStatement(operation, job.arguments)
            let found = try await examination(of: statement.text, for: job)
            try CallersStatement.check(statement.parameters, areFor: found.parameters.count)
            for (index, value) in statement.parameters.enumerated() {
                try SQLiteNumber.check(value, Name("params[\(index)]"))
            }
            return CallExamination(examination: found, request: statement.request)
        case .describe:
            return CallExamination(
                examination: job.tool.examination, request: .sql(text: "", parameters: []))
        case .http, .access: throw BackendError(.failed, detail: "no statement")
        }
    }

    /// Remembered without looking at the schema: a call that runs finds out whether it is still
    /// the one that was examined, and does not run if it is not.
    private func examination(
        of text: String, for job: Job
    ) async throws(BackendError) -> Examination {
        let effect = job.tool.effect
        let key = Name("\(effect.rawValue) \(text)")
        if let known = examined.find(key) { return known }
        var found = try await onWorker(of: job) { worker, cancellation in
            worker.examine(text, job, cancellation)
        }
        found.identity = Examination.Identity()
        examined.insert(found, for: key)
        return found
    }

    package func run(_ call: consuming ClearedCall) async throws(BackendError) -> RawResult {
        try await perform(call.job)
    }

    /// Apart from `run` so that tests can run jobs that no gate has cleared.
    func perform(_ job: Job) async throws(BackendError) -> RawResult {
        let lane = lane(for: job)
        if let answer = lane?.run(job) { return answer }
        do throws(BackendError) {
            let (answer, time) = try await onWorker(of: job) { worker, cancellation in
                let start = ContinuousClock.now
                return worker.run(job, cancellation).map { ($0, ContinuousClock.now - start) }
            }
            lane?.took(time, job)
            return answer
        } catch {
            if case .freeSQL = job.tool.operation {
                examined.remove(Name("\(job.tool.effect.rawValue) \(job.statementText)"))
            }
            throw error
        }
    }

    private func onWorker<Answer: Sendable>(
        of job: Job,
        _ body:
            @escaping @Sendable (
                SQLiteWorker, SQLiteCancellation
            ) -> Result<Answer, BackendError>
    ) async throws(BackendError) -> Answer {
        await turns.take(job.caller)
        defer { turns.giveBack(job.caller) }
        let cancellation = SQLiteCancellation()
        let outcome: Result<Answer, BackendError>
        do {
            outcome = try await withTaskCancellationHandler {
                try await pool.run { number in body(self.worker(number), cancellation) }
            } onCancel: {
                cancellation.cancel()
            }
        } catch {
            throw BackendError(.busy, detail: "all workers are taken and the queue is full")
        }
        return try outcome.get()
    }

    /// Nil where only a worker may run the call: what changes data waits for locks and disks, and
    /// what callers write may take any time.
    private func lane(for job: Job) -> SQLiteLane? {
        guard case .sql = job.tool.operation, job.tool.effect == .read,
            let loop = EventLoop.current
        else { return nil }
        return lanes.withLock { lanes in
            if let lane = lanes[ObjectIdentifier(loop)] { return lane }
            let lane = SQLiteLane(options, on: loop)
            lanes[ObjectIdentifier(loop)] = lane
            return lane
        }
    }

    /// For tests.
    var answeredOnLoops: Int {
        lanes.withLock { lanes in
            lanes.values.reduce(0) { $0 + $1.answered.load(ordering: .relaxed) }
        }
    }

    private func worker(_ number: Int) -> SQLiteWorker {
        workers.withLock { workers in
            if let worker = workers[number] { return worker }
            let worker = SQLiteWorker(options, relieve: pool.relieve)
            workers[number] = worker
            return worker
        }
    }
}

/// The connections of one worker thread, opened when first needed.
///
/// `@unchecked Sendable`: the pool runs at most one body at a time for each worker number, and only
/// such bodies touch the worker of that number.
final class SQLiteWorker: @unchecked Sendable {
    private let options: SQLiteOptions
    private let relieve: () -> Void
    private(set) var reader: SQLiteConnection?
    private(set) var writer: SQLiteConnection?

    /// `relieve` hands what waits behind a long statement to another worker.
    init(_ options: SQLiteOptions, relieve: @escaping () -> Void = {}) {
        self.options = options
        self.relieve = relieve
    }

    func run(_ job: Job, _ cancellation: SQLiteCancellation) -> Result<RawResult, BackendError> {
        do throws(BackendError) {
            let connection = try connection(for: job.tool.effect)
            defer { if connection.isBroken { forget(job.tool.effect) } }
            return .success(try connection.run(job, cancellation))
        } catch {
            return .failure(error)
        }
    }

    /// A caller's own statement, compiled and not run.
    func examine(
        _ text: String, _ job: Job, _ cancellation: SQLiteCancellation
    ) -> Result<Examination, BackendError> {
        do throws(BackendError) {
            let connection = try connection(for: job.tool.effect)
            defer { if connection.isBroken { forget(job.tool.effect) } }
            return .success(try connection.examine(text, job, cancellation))
        } catch {
            return .failure(error)
        }
    }

    func connection(for effect: Tool.Effect) throws(BackendError) -> SQLiteConnection {
        if let open = effect == .read ? reader : writer { return open }
        do throws(SQLiteFailure) {
            let connection = try SQLiteConnection(
                file: options.file, effect: effect, busyTimeout: options.busyTimeout)
            connection.watch.whenLong = relieve
            if effect == .read { reader = connection } else { writer = connection }
            return connection
        } catch {
            throw BackendError(running: error, stopped: nil)
        }
    }

    private func forget(_ effect: Tool.Effect) {
        if effect == .read { reader = nil } else { writer = nil }
    }
}

/// A connection for examining, which only ever compiles: reading suffices for write tools too.
struct SQLiteExaminerSlot {
    private var connection: SQLiteConnection?

    mutating func examine(
        _ text: String, _ effect: Tool.Effect, _ options: SQLiteOptions
    ) throws(SQLiteFailure) -> Examination {
        let connection = try open(options)
        return try SQLiteExaminer(connection: connection, effect: effect).prepare(text).examination
    }

    mutating func columns(_ options: SQLiteOptions) throws(SQLiteFailure) -> BackendColumns {
        try SQLiteSchema.columns(of: try open(options))
    }

    private mutating func open(_ options: SQLiteOptions) throws(SQLiteFailure) -> SQLiteConnection {
        if let connection { return connection }
        let opened = try SQLiteConnection(
            file: options.file, effect: .read, busyTimeout: options.busyTimeout)
        connection = opened
        return opened
    }
}
