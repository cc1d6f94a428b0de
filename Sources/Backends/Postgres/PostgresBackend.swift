/// What does a tool on a Postgres server touch, and what comes out when it runs?
///
/// The server's own privileges are the first wall: the least role, a transaction that may only read
/// and is always rolled back, time limits, and the caller's role and settings for row-level
/// security. Ours come behind it. libpq connects (`PostgresLink`); then each loop talks to its own
/// connections (`PostgresConnection`), one round trip a call, and no thread waits.
///
/// This folder must never put a value into the text of a statement, let what the server says of an
/// error out at a call, or run a statement that is not the one that was examined.
package import Enforcement
package import EventLoop
internal import JSON
internal import Synchronization

package final class PostgresBackend: Backend, PrivilegeSource, SchemaSource {
    let options: PostgresOptions
    let workers: WorkerPool
    let pools: [PostgresPool]
    private let roles = PostgresRoles()
    private let examiner: Mutex<PostgresExaminer>
    private let analyst: PostgresAnalyst
    private let statements: PostgresStatements
    private let plans = Mutex<[Name: PostgresPlan]>([:])
    /// For statements of callers.
    private let callersPlans = ExaminedStatements<PostgresPlan>()

    /// Without loops it can examine and run nothing.
    package init(_ options: PostgresOptions, workers: WorkerPool, loops: [EventLoop]) {
        self.options = options
        self.workers = workers
        examiner = Mutex(PostgresExaminer(options))
        analyst = PostgresAnalyst(options)
        statements = PostgresStatements(analyst, workers: workers)
        let roles = roles
        // Each loop has its share, so that all together never have more than the maximum.
        let count = min(loops.count, options.pool.max)
        pools = loops.prefix(count).enumerated().map { index, loop in
            func share(_ total: Int) -> Int { total / count + (index < total % count ? 1 : 0) }
            let limits = PoolStateMachine.Limits(
                min: share(options.pool.min), max: share(options.pool.max))
            return PostgresPool(
                options, limits: limits, roles: roles, workers: workers, loop: loop)
        }
    }

    deinit {
        for pool in pools { pool.loop.execute { pool.close() } }
    }

    // MARK: At load

    package func examine(
        _ operation: Operation, effect: Tool.Effect
    ) throws(BackendError) -> Examination {
        switch operation {
        case .sql(let statement):
            let plan = try examined(statement.text, effect)
            keep(plan, for: statement.text)
            return plan.examination
        case .freeSQL:
            // What callers write must be analysed: a server that cannot is of no use to them.
            _ = try analyst.examine("select 1", effect: effect, author: .caller)
            return .ofCallers(effect)
        case .describe:
            _ = try columns()
            // It is told as the caller's role: which ones there are must be known before a call.
            _ = try described(PostgresText(asItIs: "select 1"), nil)
            return SchemaDescription.examination
        case .http, .access:
            throw BackendError(.invalid, detail: "a Postgres backend takes `sql`")
        }
    }

    private func keep(_ plan: PostgresPlan, for text: String) {
        plans.withLock { $0[Name(text)] = plan }
    }

    /// Blocks. What the server's analysis cannot settle stays unknown.
    private func examined(
        _ statement: String, _ effect: Tool.Effect
    ) throws(BackendError) -> PostgresPlan {
        let text: PostgresText
        do throws(PostgresText.Fault) { text = try PostgresText(statement) } catch {
            throw BackendError(.invalid, detail: error.message)
        }
        let described = try described(text, effect)
        do throws(BackendError) {
            let found = try analyst.examine(text.text, effect: effect, author: .operation)
            return described.plan(with: found.examination)
        } catch {
            guard error.reason != .refused else {
                throw BackendError(.invalid, detail: error.detail)
            }
            return described.plan(with: described.examination(isChange: effect == .write))
        }
    }

    private func described(
        _ text: PostgresText, _ effect: Tool.Effect?
    ) throws(BackendError) -> PostgresDescribed {
        let found = try examiner.withLock { (examiner) throws(BackendError) in
            do throws(PostgresFailure) { return try examiner.describe(text, effect) } catch {
                throw BackendError(examining: error)
            }
        }
        if !found.roles.isEmpty { roles.replace(with: found.roles) }
        return found
    }

    package func columns() throws(BackendError) -> BackendColumns { try analyst.columns() }

    package func privileges() throws(BackendError) -> RolePrivileges {
        try analyst.privileges()
    }

    package func relations() throws(BackendError) -> [SchemaRelation] { try analyst.relations() }

    // MARK: At a call

    package func examine(_ job: Job) async throws(BackendError) -> CallExamination {
        switch job.tool.operation {
        case .sql:
            let plan = try plan(of: job)
            let values = try job.values()
            _ = try plan.arguments(values)
            return CallExamination(
                examination: job.tool.examination,
                request: .sql(
                    text: plan.text, parameters: plan.parameters.map { values[$0.text] ?? .null }))
        case .freeSQL(let operation):
            let statement = try CallersStatement(operation, job.arguments)
            let found = try await statements.examine(
                statement.text, effect: job.tool.effect, wantsEstimate: operation.wantsEstimate)
            // Whoever only tries a call hears what a call would.
            if let types = found.parameterTypes {
                _ = try PostgresArgument.all(statement.parameters, types: types)
            }
            return CallExamination(
                examination: found.examination, request: statement.request)
        case .describe:
            return CallExamination(
                examination: job.tool.examination, request: .sql(text: "", parameters: []))
        case .http, .access: throw BackendError(.failed, detail: "no statement")
        }
    }

    package func run(_ call: consuming ClearedCall) async throws(BackendError) -> RawResult {
        try await perform(call.job)
    }

    /// Apart from `run` so that tests can run jobs that no gate has cleared.
    func perform(_ job: Job) async throws(BackendError) -> RawResult {
        if case .describe = job.tool.operation {
            let role = try callerRole(job)?.name
            return try await onWorker { [analyst] () throws(BackendError) in
                try analyst.describe(job, as: role)
            }
        }
        guard let pool = pools.first(where: { $0.loop.isCurrent }) ?? pools.randomElement() else {
            throw BackendError(.failed, detail: "this process serves no calls")
        }
        // Where a loop has no share of the pool its calls run on one that has.
        guard pool.loop.isCurrent else {
            return try await Self.onLoop(of: pool) { await self.perform(job, on: pool) }
        }
        return try await perform(job, on: pool).get()
    }

    private func perform(
        _ job: Job, on pool: PostgresPool, mayMove: Bool = true
    ) async -> Result<RawResult, BackendError> {
        do throws(BackendError) {
            return .success(try await attempts(job, on: pool, mayMove: mayMove))
        } catch { return .failure(error) }
    }

    /// Another loop's pool with room, where this one's connections are all taken by calls that
    /// last: no call waits here for what stands idle there.
    private func room(
        beside pool: PostgresPool, for caller: CallerID, _ plan: PostgresPlan
    ) -> PostgresPool? {
        guard pools.count > 1, pool.isTakenForLong(from: caller, plan) else { return nil }
        return pools.first { $0 !== pool && $0.hasRoom }
    }

    /// A call that the server has not begun with goes to another connection, once; one whose
    /// statement has changed its form is examined anew, once.
    private func attempts(
        _ job: Job, on pool: PostgresPool, mayMove: Bool
    ) async throws(BackendError) -> RawResult {
        let callers = job.callersParameters
        var plan = callers == nil ? try plan(of: job) : try await callersPlan(of: job)
        let values = try job.values()
        let caller = try callerSettings(job)
        let remaining = job.deadline - .now
        guard remaining > .zero else { throw BackendError(.timedOut, detail: "before it began") }
        let deadline = MonotonicTime.now().advanced(by: remaining)
        var mayRepeat = true
        var mayExamine = true
        var mayJoin = job.tool.effect == .read
        while true {
            let arguments =
                if let callers { try plan.arguments(callers) } else { try plan.arguments(values) }
            let call = PostgresCall(
                plan: plan, effect: job.tool.effect, bounds: job.bounds,
                settings: [Self.timeout(job)] + caller,
                arguments: arguments, deadline: deadline, witness: job.witness)
            if mayMove, let other = room(beside: pool, for: job.caller, plan) {
                return try await Self.onLoop(of: other) {
                    await self.perform(job, on: other, mayMove: false)
                }
            }
            let connection = try await pool.take(
                for: job.caller, until: deadline, joining: mayJoin ? plan : nil)
            switch await connection.run(call) {
            case .answered(let result): return result
            case .failed(let error): throw callers == nil ? error : error.ofCallersStatement
            case .uncertain(let mark, let result): return try await settled(mark, result, on: pool)
            case .displaced where mayJoin: mayJoin = false
            case .untouched where mayRepeat, .displaced where mayRepeat: mayRepeat = false
            case .untouched, .displaced:
                throw BackendError(.unavailable, detail: "the connection broke before the call")
            case .stale where mayExamine:
                mayExamine = false
                plan = try await examinedAgain(job, isCallers: callers != nil)
            case .stale:
                throw BackendError(.outdated, detail: "the schema changes as the call runs")
            }
        }
    }

    private func plan(of job: Job) throws(BackendError) -> PostgresPlan {
        if let plan = plans.withLock({ $0[Name(job.statementText)] }) { return plan }
        throw BackendError(.failed, detail: "a statement that was not examined")
    }

    /// The masks were made for what was examined at load: anything else must not run under them.
    private func examinedAgain(
        _ job: Job, isCallers: Bool
    ) async throws(BackendError) -> PostgresPlan {
        if isCallers {
            callersPlans.remove(Name(job.statementText))
            return try await callersPlan(of: job)
        }
        let plan = try await onWorker { [self] () throws(BackendError) in
            try examined(job.statementText, job.tool.effect)
        }
        guard plan.examination.agrees(with: job.examination) else {
            throw BackendError(.outdated, detail: "the schema is not the one examined at load")
        }
        keep(plan, for: job.statementText)
        return plan
    }

    /// As the server describes it, which must be what was judged: the same columns, each from where
    /// the judgement believed it to come.
    private func callersPlan(of job: Job) async throws(BackendError) -> PostgresPlan {
        let key = Name(job.statementText)
        let plan: PostgresPlan
        if let known = callersPlans.find(key) {
            plan = known
        } else {
            plan = try await onWorker { [self] () throws(BackendError) in
                let found = try described(PostgresText(asItIs: job.statementText), nil)
                return found.plan(with: found.examination(isChange: false).withDistinctNames)
            }
            callersPlans.insert(plan, for: key)
        }
        guard plan.examination.hasColumns(of: job.examination) else {
            callersPlans.remove(key)
            throw BackendError(.outdated, detail: "the schema is not the one examined before")
        }
        return plan
    }

    private func onWorker<Value: Sendable>(
        _ body: @escaping @Sendable () throws(BackendError) -> Value
    ) async throws(BackendError) -> Value {
        let outcome: Result<Value, BackendError>
        do {
            outcome = try await workers.run { _ in
                Result { () throws(BackendError) in try body() }
            }
        } catch {
            throw BackendError(.busy, detail: "all workers are taken and the queue is full")
        }
        return try outcome.get()
    }

    /// A little after our own deadline, which is the one that should be met first.
    private static func timeout(_ job: Job) -> PostgresArgument {
        let (seconds, attoseconds) = (job.deadline - .now).components
        let milliseconds = seconds * 1_000 + attoseconds / 1_000_000_000_000_000
        return PostgresArgument(text: String(max(1, milliseconds) + 100))
    }

    /// Names and values for `set_config`, the role at the end.
    private func callerSettings(_ job: Job) throws(BackendError) -> [PostgresArgument] {
        guard let asCaller = options.asCaller else { return [] }
        let identity = try identity(of: job)
        let role = try callerRole(job)
        var group = role?.group
        if role == nil, asCaller.settings.contains(where: { $0.value.usesGroup }) {
            guard identity.groups.count == 1 else {
                throw BackendError(.identity, detail: "one group that decides")
            }
            group = identity.groups[0]
        }
        var arguments: [PostgresArgument] = []
        for (name, template) in asCaller.settings {
            let value = try template.value(for: identity, group: group)
            arguments.append(PostgresArgument(text: name))
            arguments.append(PostgresArgument(text: value.string ?? value.text))
        }
        if let role {
            arguments.append(PostgresArgument(text: "role"))
            arguments.append(PostgresArgument(text: role.name))
        }
        return arguments
    }

    private func identity(of job: Job) throws(BackendError) -> Caller {
        if let identity = job.identity { return identity }
        throw BackendError(.identity, detail: "a caller")
    }

    /// As whom the call runs, and the group that says so; nil where that is the login.
    private func callerRole(_ job: Job) throws(BackendError) -> (name: String, group: Name?)? {
        guard let template = options.asCaller?.role else { return nil }
        return try role(template, of: try identity(of: job))
    }

    /// The role must be one that the login may take on: `none`, or the login itself, would take
    /// away what the role is there for.
    private func role(
        _ template: CallerTemplate, of caller: Caller
    ) throws(BackendError) -> (name: String, group: Name?) {
        guard template.usesGroup else {
            let role = try template.value(for: caller)
            guard let text = role.string, roles.contains(Name(text)) else {
                throw BackendError(.identity, detail: "a role in the database")
            }
            return (text, nil)
        }
        var found: [(String, Name)] = []
        for group in caller.groups {
            let role = try template.value(for: caller, group: group)
            if let text = role.string, roles.contains(Name(text)) { found.append((text, group)) }
        }
        guard found.count == 1 else {
            throw BackendError(
                .identity,
                detail: found.isEmpty
                    ? "a group with a role in the database"
                    : "the one group that decides (several have a role in the database)")
        }
        return found[0]
    }

    private static func onLoop(
        of pool: PostgresPool,
        _ body: @escaping @Sendable () async -> Result<RawResult, BackendError>
    ) async throws(BackendError) -> RawResult {
        let task = Task(executorPreference: pool.loop) { await body() }
        return try await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
        .get()
    }
}
