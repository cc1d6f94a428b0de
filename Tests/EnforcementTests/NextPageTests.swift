import Enforcement
import JSON
import TestSupport
import Testing

@testable import Enforcement

/// How the caller of a cut answer gets the rest.
@Suite struct NextPageTests {
    static let made = ColumnPath("orders", "made")

    static func shown(
        _ last: (Rows.Kind, String), isTruncated: Bool = true, masks: [MaskRule] = [],
        next: [(Name, Name)] = [("after", "id"), ("since", "made")]
    ) throws -> (JSONObject, JSONValue) {
        var rows = Rows(columnCount: 2)
        for id in ["7", "9007199254740993"] {
            rows.append(.number, Array(id.utf8))
            rows.append(last.0, Array(last.1.utf8))
        }
        rows.isTruncated = isTruncated
        let operation = SQLOperation(text: "select", next: next.map { (argument: $0, column: $1) })
        let tool = try Tool.sample(
            columns: [
                Column("id", .integer), Column("made", last.0 == .json ? .json : .any, from: made),
            ],
            operation: .sql(operation))
        let call = try examinedCall(of: tool, policy: Policy(masks: masks))
        let result = try MaskStage().apply(RawResult(rows: rows), to: call)
        let document = try JSONParser.parse(result.json)
        let schema = try JSONSchema(try #require(call.scoped.guarded.outputSchema))
        #expect(schema.violations(in: document) == [])
        var text = JSONWriter()
        try #require(AnswerJSON(result)).writeText(into: &text)
        let inner = try #require(try JSONParser.parse(text.finish()).string)
        #expect(Array(inner.utf8) == result.json)
        return (try #require(document.object), document["next"] ?? .null)
    }

    @Test func aCutAnswerSaysWithWhichArgumentsTheNextBegins() throws {
        let (answer, next) = try Self.shown((.text, "a \"b\"\\"))
        #expect(next.text == #"{"after":9007199254740993,"since":"a \"b\"\\"}"#)
        #expect(answer["truncated"] == .bool(true))
    }

    @Test func aWholeAnswerHasNoNext() throws {
        #expect(try Self.shown((.text, "a"), isTruncated: false).1 == .null)
        #expect(try Self.shown((.text, "a"), next: []).1 == .null)
    }

    /// Without one of them the call would begin anew, or somewhere else.
    @Test(arguments: [(Rows.Kind.null, ""), (.json, "[1]")])
    func whatHasNoPlaceInAnOrderGivesNoNext(_ kind: Rows.Kind, _ text: String) throws {
        #expect(try Self.shown((kind, text)).1 == .null)
    }

    @Test(arguments: [MaskRule.Strategy.redact, .partial, .pseudonym, .null, .zero])
    func aMaskedValueIsNotToldAsAnArgument(_ strategy: MaskRule.Strategy) throws {
        let mask = MaskRule(
            id: "made", target: .column(backend: "shop", Self.made), strategy: strategy)
        let (answer, next) = try Self.shown((.text, "ada@example.com"), masks: [mask])
        #expect(next == .null)
        #expect(answer["truncated"] == .bool(true))
    }

    /// Without a rule a value by its form is masked too.
    @Test func aValueThatIsMaskedByItsFormIsNotToldEither() throws {
        #expect(try Self.shown((.text, "ada@example.com")).1 == .null)
    }
}
