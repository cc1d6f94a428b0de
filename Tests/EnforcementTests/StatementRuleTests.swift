import JSON
import TestSupport
import Testing

@testable import Enforcement

/// Rules about what a statement touches. A fact that nobody could find out counts as matched.
@Suite struct StatementRuleTests {
    private static let plain = StatementFacts(
        kinds: .init(["select"]), reads: .init(["public.users"]),
        columns: .init(["public.users.id"]), functions: .init(["pg_catalog.lower"]),
        whereless: .init(["delete"]), rows: JSONNumber(100))

    private static func verdict(
        _ fact: StatementFact, _ test: Enforcement.Test, _ facts: StatementFacts?
    ) throws -> Verdict {
        let examination = Examination(
            columns: [], reads: nil, parameters: [], isReadOnly: true, statement: facts)
        let tool = try Tool.sample("orders")
        return test.verdict(on: Facts.known(fact, in: examination, of: tool.operation))
    }

    @Test func aValueThatIsFoundMatchesAndAnotherDoesNot() throws {
        #expect(try Self.verdict(.reads, .oneOf(["public.users"]), Self.plain) == .matched)
        #expect(try Self.verdict(.reads, .oneOf(["public.*"]), Self.plain) == .matched)
        #expect(try Self.verdict(.reads, .oneOf(["hr.users"]), Self.plain) == .unmatched)
        #expect(try Self.verdict(.whereless, .oneOf(["delete"]), Self.plain) == .matched)
        #expect(try Self.verdict(.writes, .present(true), Self.plain) == .unmatched)
    }

    @Test(arguments: [StatementFact.kind, .reads, .writes, .columns, .functions, .whereless])
    func whatCouldNotBeFoundOutCountsAsMatchedWhateverTheTest(_ fact: StatementFact) throws {
        for facts in [StatementFacts.unknown, nil] {
            #expect(try Self.verdict(fact, .oneOf(["nothing"]), facts).holds)
            #expect(try Self.verdict(fact, .oneOf(["nothing"]), facts).negated.holds)
            #expect(try Self.verdict(fact, .present(true), facts).holds)
            #expect(try Self.verdict(fact, .present(false), facts).holds)
        }
    }

    @Test func anEstimateIsANumberAndAMissingOneCountsAsMatched() throws {
        #expect(try Self.verdict(.rows, .over(JSONNumber(99)), Self.plain) == .matched)
        #expect(try Self.verdict(.rows, .over(JSONNumber(100)), Self.plain) == .unmatched)
        #expect(try Self.verdict(.cost, .over(JSONNumber(1_000_000)), Self.plain).holds)
    }

    @Test func whereTheBackendFoldsNamesARuleDoesToo() throws {
        var folding = Self.plain
        folding.foldsNames = true
        #expect(try Self.verdict(.reads, .oneOf(["Public.USERS"]), folding) == .matched)
        #expect(try Self.verdict(.reads, .oneOf(["Public.USERS"]), Self.plain) == .unmatched)
        #expect(try Self.verdict(.reads, .oneOf(["public.user["]), folding) == .unmatched)
    }

    // MARK: Statements of callers

    private static let ssn = ColumnPath(schema: "public", table: "users", column: "ssn")

    /// A call of a tool whose caller wrote the statement, as it would be examined.
    private static func call(
        _ examination: Examination, _ policy: Policy, groups: [Name] = ["support"]
    ) async throws -> Outcome {
        var policy = policy
        policy.grants = GateFixture.grants
        let tool = try Tool.sample(
            operation: .freeSQL(FreeSQLOperation(argument: "sql")),
            examination: .ofCallers(.read))
        let fixture = try GateFixture(
            tools: [tool], policy: policy,
            examine: { _ in
                CallExamination(
                    examination: examination, request: .sql(text: "select 1", parameters: []))
            })
        return try await fixture.call()
    }

    private static func examination(deciding: Set<ColumnPath>?) -> Examination {
        Examination(
            columns: [Column(name: "id", origin: nil, sources: [], kind: .any)],
            reads: deciding == nil ? nil : [ssn], deciding: deciding, parameters: [],
            isReadOnly: true, statement: plain)
    }

    private static let mask = MaskRule(
        id: "ssn", target: .column(backend: "shop", ssn), strategy: .redact)

    static func maskDeciding() async throws -> Refusal? {
        try await call(examination(deciding: [ssn]), Policy(masks: [mask])).refusal
    }

    @Test func aMaskedColumnThatDecidesIsRefusedAtTheCall() async throws {
        #expect(try await Self.maskDeciding()?.code == .maskDeciding)
        let unknown = try await Self.call(
            Self.examination(deciding: nil), Policy(masks: [Self.mask]))
        #expect(unknown.refusal?.code == .maskDeciding)
        let open = try await Self.call(
            Self.examination(deciding: []), Policy(masks: [Self.mask]))
        #expect(open.refusal == nil)
    }

    @Test func aMaskThatMayFilterAndOneThatIsLiftedDecideFreely() async throws {
        var mask = Self.mask
        mask.mayFilter = true
        let examination = Self.examination(deciding: [Self.ssn])
        #expect(try await Self.call(examination, Policy(masks: [mask])).refusal == nil)
        let reveal = RevealRule(id: "r", target: mask.target, groups: ["support"])
        let lifted = Policy(masks: [Self.mask], reveals: [reveal])
        #expect(try await Self.call(examination, lifted).refusal == nil)
    }

    @Test func rulesSeeWhatTheCallersStatementTouches() async throws {
        let rule = Rule(
            id: "users", effect: .deny,
            when: .fact(.statement(.reads), .oneOf(["public.users"])), reason: "r")
        let refused = try await Self.call(
            Self.examination(deciding: []), Policy(rules: [rule])
        ).refusal
        #expect(refused?.rules == ["users"])
        var other = Self.examination(deciding: [])
        other.statement = StatementFacts(reads: .init(["public.orders"]))
        #expect(try await Self.call(other, Policy(rules: [rule])).refusal == nil)
    }

    @Test func whatFollowsFromAnExaminationIsRememberedWithIt() throws {
        let rules = (0..<3).map { number in
            Rule(
                id: Name("\(number)"), effect: .deny,
                when: .fact(.statement(.reads), .oneOf([.string("s.t\(number)")])), reason: "r")
        }
        let tool = try Tool.sample(
            operation: .freeSQL(FreeSQLOperation(argument: "sql")),
            examination: .ofCallers(.read))
        let guarded = GuardedTool(tool, policy: Policy(rules: rules))
        #expect(guarded.rules.count == 3)
        var examination = Self.examination(deciding: [])
        examination.identity = Examination.Identity()
        examination.statement = StatementFacts(reads: .init(["s.t1"]))
        #expect(guarded.guards(for: examination).rules.map(\.id) == ["1"])
        // The same identity says that it is the same examination, so it is not looked at again.
        examination.statement = StatementFacts(reads: .init(["s.t2"]))
        #expect(guarded.guards(for: examination).rules.map(\.id) == ["1"])
        examination.identity = Examination.Identity()
        #expect(guarded.guards(for: examination).rules.map(\.id) == ["2"])
    }
}
