import JSON
import TestSupport
import Testing

@testable import Enforcement

/// An answer about the schema shows no column that a rule keeps from the caller.
@Suite struct SchemaFilterTests {
    private static let names = [
        ("public.users", "id"), ("public.users", "ssn"), ("public.salaries", "amount"),
    ]

    private static func shown(_ rules: [Rule]) async throws -> [String] {
        let tool = try Tool.sample(
            operation: .describe, examination: SchemaDescription.examination)
        let fixture = try GateFixture(
            tools: [tool], policy: Policy(grants: GateFixture.grants, rules: rules),
            backend: { _ in
                var rows = Rows(columnCount: SchemaDescription.columns.count)
                for (relation, column) in names {
                    for text in [relation, "table", column] { rows.append(.text, Array(text.utf8)) }
                    for _ in 3..<rows.columnCount { rows.appendNull() }
                }
                return RawResult(rows: rows)
            })
        let result = try #require(try await fixture.call().result)
        return (0..<result.rows.rowCount).map { row in
            let text = result.rows.content(of: result.rows[row: row, column: 2])
            return String(decoding: text, as: UTF8.self)
        }
    }

    private static func rule(_ when: Condition) -> Rule {
        Rule(id: "r", effect: .deny, when: when, reason: "because")
    }

    private static let readsSalaries = Condition.fact(
        .statement(.reads), .oneOf(["public.salaries"]))
    private static let usesSSN = Condition.fact(
        .statement(.columns), .oneOf(["public.users.ssn"]))

    @Test func columnsAndRelationsOfRulesAreLeftOut() async throws {
        #expect(try await Self.shown([]) == ["id", "ssn", "amount"])
        #expect(try await Self.shown([Self.rule(Self.usesSSN)]) == ["id", "amount"])
        #expect(try await Self.shown([Self.rule(Self.readsSalaries)]) == ["id", "ssn"])
    }

    @Test func aRuleForOthersLeavesNothingOut() async throws {
        let others = Condition.fact(.callerGroups, .oneOf(["guests"]))
        #expect(
            try await Self.shown([Self.rule(.all([others, Self.usesSSN]))])
                == ["id", "ssn", "amount"])
        let hers = Condition.fact(.callerGroups, .oneOf(["support"]))
        #expect(try await Self.shown([Self.rule(.all([hers, Self.usesSSN]))]) == ["id", "amount"])
    }

    /// The statement would come through another tool, with arguments that nobody knows yet.
    @Test func whatIsNotKnownOfTheStatementCountsAsMatched() async throws {
        let query = Condition.fact(.toolName, .oneOf(["query"]))
        let argument = Condition.fact(.argument("sql"), .oneOf(["x"]))
        #expect(
            try await Self.shown([Self.rule(.all([query, argument, Self.usesSSN]))])
                == ["id", "amount"])
    }

    @Test func rulesAboutOtherThingsLeaveNothingOut() async throws {
        let rules = [
            Self.rule(
                .all([
                    .fact(.toolName, .oneOf(["refund"])),
                    .fact(.argument("cents"), .over(JSONNumber(5))),
                ])),
            Self.rule(.fact(.statement(.rows), .over(JSONNumber(5)))),
            Self.rule(.fact(.statement(.kind), .oneOf(["drop"]))),
        ]
        #expect(try await Self.shown(rules) == ["id", "ssn", "amount"])
    }
}
