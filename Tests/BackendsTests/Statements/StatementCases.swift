import Foundation
import JSON
import TestSupport

@testable import Backends
@testable import Enforcement

/// A statement under a policy, and what must become of it.
struct StatementCase: CustomStringConvertible {
    let dialect: String
    let policy: JSONObject
    let sql: String?
    let isAllowed: Bool

    init?(_ line: JSONValue) {
        guard let dialect = line["dialect"]?.string, let policy = line["policy"]?.object,
            let expect = line["expect"]?.string
        else { return nil }
        self.dialect = dialect
        self.policy = policy
        // A text that is not UTF-8 cannot even be an argument.
        sql = line["sql"]?.string
        isAllowed = expect == "allow"
    }

    var description: String {
        "\(isAllowed ? "allow" : "deny") \(JSONValue.object(policy).text): \(sql?.prefix(120) ?? "")"
    }

    var effect: Tool.Effect { policy["readonly"]?.bool == true ? .read : .write }

    /// The rules that a security team would write for it.
    private var conditions: [Condition] {
        func names(_ key: String, _ fact: StatementFact) -> [Condition] {
            guard let values = policy[key]?.array, !values.isEmpty else { return [] }
            return [.fact(.statement(fact), .oneOf(values.map { Self.spelled($0, fact) }))]
        }
        return names("deny_kinds", .kind) + names("deny_relations", .reads)
            + names("deny_relations", .writes) + names("deny_columns", .columns)
            + names("deny_functions", .functions) + names("require_where", .whereless)
    }

    /// As the loader reads names in rules.
    private static func spelled(_ value: JSONValue, _ fact: StatementFact) -> JSONValue {
        guard let text = value.string, fact.nameCount != nil else { return value }
        let plain = text.replacing("\"", with: "")
        return .string(plain.contains(".") ? plain : "*.\(plain)")
    }

    func isRefused(_ examination: Examination) throws -> Bool {
        let tool = try Tool.sample(
            effect: effect, operation: .freeSQL(FreeSQLOperation(argument: "sql")),
            examination: .ofCallers(effect))
        let rules = conditions.map { Rule(id: "r", effect: .deny, when: $0, reason: "r") }
        let guards = GuardedTool(tool, policy: Policy(rules: rules)).guards(for: examination)
        return !guards.rules.isEmpty
    }

    /// The cases of a file, and those among them that went another way.
    static func wrong(
        _ lines: [JSONValue], dialect: String,
        examine: (String, Tool.Effect) throws -> Examination
    ) throws -> (count: Int, wrong: [StatementCase]) {
        let cases = lines.compactMap { StatementCase($0) }.filter { $0.dialect == dialect }
        let wrong = try cases.filter { statement in
            guard let sql = statement.sql else { return statement.isAllowed }
            do {
                let examination = try examine(sql, statement.effect)
                return try statement.isRefused(examination) == statement.isAllowed
            } catch let error as BackendError {
                switch error.reason {
                case .refused, .statement: return statement.isAllowed
                default: return true
                }
            }
        }
        return (cases.count, wrong)
    }
}

/// The cases that stand in this repository.
enum OwnCases {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Corpora")

    static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
    }

    static func lines(_ name: String) throws -> [JSONValue] {
        try text(name).split(separator: "\n").map { try JSONParser.parse(Array($0.utf8)) }
    }
}
