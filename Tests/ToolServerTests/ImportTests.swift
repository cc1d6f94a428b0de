import JSON
import Testing

@testable import ToolServer

@Suite struct ImportTests {
    @Test(arguments: [
        ("listPetsByID", "list_pets_by_id"), ("get /v1/{id}", "get_v1_id"), ("tags[]", "tags"),
        ("HTTPServer2Go", "http_server2_go"), ("2fa", "_2fa"), ("é", "value"), ("a--b__c", "a_b_c"),
    ])
    func namesBecomeNamesOfTheDialect(_ text: String, _ name: String) {
        #expect(ImportedName.snake(text) == name)
        #expect(isParameterName(name))
    }

    @Test func proseIsOneLineWithoutMarkUpAndCutAtAWord() {
        #expect(ImportedName.prose("A <b>b</b>\n\n  c\u{202E}", atMost: 50) == "A b c")
        let cut = ImportedName.prose(String(repeating: "word ", count: 50), atMost: 40)
        #expect(cut.hasSuffix("word …"))
        #expect(cut.utf8.count <= 40)
    }

    private static func simplified(_ schema: JSONValue, _ schemas: JSONValue = [:]) throws
        -> JSONValue
    {
        let document: JSONValue = ["openapi": "3.0.0", "components": ["schemas": schemas]]
        var simple = ImportedSchema(document: try OpenAPISource(document.bytes))
        return simple.simplified(schema)
    }

    @Test func theOlderDialectBecomesTheNewerOne() throws {
        let schema = try Self.simplified([
            "type": "integer", "nullable": true, "minimum": 1, "exclusiveMinimum": true,
            "format": "int64", "example": 5, "x-more": 1,
        ])
        #expect(schema == ["type": ["integer", "null"], "exclusiveMinimum": 1])
    }

    @Test func whatLeadsBackToItselfIsOpen() throws {
        let node: JSONValue = [
            "type": "object", "properties": ["next": ["$ref": "#/components/schemas/Node"]],
        ]
        let schema = try Self.simplified(
            ["$ref": "#/components/schemas/Node"], ["Node": node])
        #expect(schema == ["type": "object", "properties": ["next": ["type": "object"]]])
    }

    @Test func aPatternThatIsNotOfLinearTimeIsLeftOut() throws {
        #expect(
            try Self.simplified(["type": "string", "pattern": #"(a)\1"#]) == ["type": "string"])
    }
}
