import JSON
import TestSupport
import Testing

@testable import Enforcement

/// One process of an installation where support may ask finance for `refund` and `ledger`, an hour
/// at most. All of them share state, record and clock.
struct AccessFixture {
    let state: MemoryState
    let sink: RecordingSink
    let clock: ManualClock
    let journal: Journal
    let book: AccessBook
    let gate: Gate

    static func offer(
        _ id: Name = "changes", tools: [Name] = ["ledger", "refund"],
        to: Grantees = Grantees(groups: ["support"]), where condition: Condition? = nil,
        longest: Int = 3_600, count: Int = 1, approvers: [Name] = ["finance"]
    ) -> AccessOffer {
        var demand = ApprovalDemand(groups: approvers, count: count, hold: .zero)
        demand.wantsReason = true
        return AccessOffer(
            id: id, tools: tools, to: to, where: condition, longest: longest, demand: demand,
            reason: "changes are for a case at hand")
    }

    init(
        _ offers: [AccessOffer]? = nil, rules: [Rule] = [], grants: [Grant] = GateFixture.grants,
        version: String = "1", sinkFails: @escaping @Sendable (Int) -> Bool = { _ in false },
        like other: AccessFixture? = nil
    ) throws {
        let offers = offers ?? [Self.offer()]
        let journal = other?.journal ?? Journal()
        let sink = other?.sink ?? RecordingSink(journal: journal, fails: sinkFails)
        let clock = other?.clock ?? ManualClock()
        let state = other.map { $0.state.process("another process") } ?? MemoryState()
        (self.journal, self.sink, self.clock, self.state) = (journal, sink, clock, state)
        book = AccessBook(state)
        let number: JSONValue = [
            "type": "object", "properties": ["id": ["type": "integer"]],
            "additionalProperties": false,
        ]
        var tools = [
            try Tool.sample("orders"),
            try Tool.sample("refund", scope: "money.write", effect: .write, input: number),
            try Tool.sample("ledger", scope: "money.read"),
            try Tool.sample("salaries", scope: "staff.read"),
        ]
        let access = AccessBackend(
            tools: tools, offers: offers, means: (state, sink), now: { clock.now })
        tools += [try #require(AccessTool.make(for: offers))]
        gate = Gate(
            identity: IdentityStage(
                issuers: TrustedIssuers(), localUsers: GateFixture.users, now: { clock.now }),
            limits: LimitStage(callsMax: 100), tools: tools,
            policy: Policy(grants: grants, rules: rules, access: offers),
            backend: TwoBackends(access, ScriptedBackend(journal: journal) { _ in .texts(["1"]) }),
            sink: sink, approving: ApprovalMeans(store: state, version: version),
            lending: book, now: { clock.now })
    }

    var desk: ApprovalDesk { ApprovalDesk(store: state, sink: sink, now: { [clock] in clock.now }) }
    var grants: AccessDesk { AccessDesk(store: state, sink: sink, now: { [clock] in clock.now }) }

    func caller(_ user: String) async throws -> IdentifiedCaller {
        try await gate.identify(.localUser(user), at: "")
    }

    func call(
        _ tool: String, _ arguments: JSONObject = JSONObject(), by caller: IdentifiedCaller
    ) async -> Outcome {
        await gate.answer(
            ArrivedCall(
                caller: caller, tool: tool, arguments: arguments,
                via: Transport(kind: .http, address: "192.0.2.7")))
    }

    func call(
        _ tool: String, _ arguments: JSONObject = JSONObject(), as user: String = "ada"
    ) async throws -> Outcome {
        await call(tool, arguments, by: try await caller(user))
    }

    static func asking(
        _ tools: [String] = ["refund"], minutes: JSONValue = 30, reason: String? = "case 4711"
    ) -> JSONObject {
        var arguments = JSONObject(
            ("tools", .array(tools.map { .string($0) })), ("minutes", minutes))
        arguments["reason"] = reason.map { .string($0) }
        return arguments
    }

    func ask(
        _ tools: [String] = ["refund"], minutes: JSONValue = 30, as user: String = "ada"
    ) async throws -> Outcome {
        try await call("request_access", Self.asking(tools, minutes: minutes), as: user)
    }

    /// Of the one request that is open.
    func approve(
        as user: String = "fin", _ narrowing: AccessTerms.Narrowing? = nil
    ) async throws -> ApprovalRequest {
        let open = try await desk.list().filter { $0.phase.isOpen }
        return try await desk.decide(
            try #require(open.first).id, .approve, by: try await caller(user),
            narrowing: narrowing)
    }

    /// Asked for, approved and taken: what the caller was told.
    func granted(
        _ tools: [String] = ["refund"], minutes: JSONValue = 30,
        narrowed narrowing: AccessTerms.Narrowing? = nil
    ) async throws -> JSONValue {
        _ = try await ask(tools, minutes: minutes)
        _ = try await approve(narrowing)
        let outcome = try await ask(tools, minutes: minutes)
        return try JSONParser.parse(Array(try #require(outcome.text).utf8))
    }

    func approve(_ narrowing: AccessTerms.Narrowing?) async throws -> ApprovalRequest {
        try await approve(as: "fin", narrowing)
    }

    func code(
        _ tool: String, _ arguments: JSONObject = JSONObject(), as user: String = "ada"
    ) async throws -> String {
        try await call(tool, arguments, as: user).refusal?.code.rawValue ?? "ok"
    }

    func listed(to user: String = "ada") async throws -> [String] {
        await gate.freshen()
        return gate.visibleTools(to: try await caller(user), via: nil).map(\.tool.name.text)
    }

    /// The first word of why somebody may not.
    static func objection(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch let error as ApprovalObjection {
            return "\(error)".split(separator: "(").first.map(String.init)
        } catch { return "\(error)" }
    }
}

/// The server's own tool, and all others.
private struct TwoBackends: CallRunner {
    let own: AccessBackend
    let others: ScriptedBackend

    init(_ own: AccessBackend, _ others: ScriptedBackend) {
        self.own = own
        self.others = others
    }

    func examine(_ job: Job) async throws(BackendError) -> CallExamination {
        job.tool.operation.isAccess
            ? try await own.examine(job) : try await others.examine(job)
    }

    func run(_ call: consuming ClearedCall) async throws(BackendError) -> RawResult {
        if call.job.tool.operation.isAccess { return try await own.run(call) }
        return try await others.run(call)
    }
}
