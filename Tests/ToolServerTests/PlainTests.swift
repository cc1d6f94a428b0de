import Enforcement
import JSON
import TestSupport
import Testing

@testable import ToolServer

@Suite struct OpenAPIDocumentTests {
    private static func document(_ input: JSONValue) async throws -> JSONValue {
        let fixture = MCPFixture(try GateFixture(tools: [try Tool.sample(input: input)]))
        let tools = fixture.gate.gate.visibleTools(to: try await fixture.gate.caller(), via: nil)
        return OpenAPIDocument.make(of: tools, in: fixture.serving)
    }

    private static func schema(_ document: JSONValue) -> JSONValue? {
        document["components"]?["schemas"]?["orders.input"]
    }

    @Test func referencesOfASchemaPointToWhereItStandsInTheDocument() async throws {
        let document = try await Self.document([
            "type": "object",
            "properties": [
                "tree": ["$ref": "#/$defs/node"], "$ref": ["type": "string"],
                "kind": ["const": ["$ref": "#/data"]],
            ],
            "$defs": ["node": ["type": "array", "items": ["$ref": "#"]]],
        ])
        let place = "#/components/schemas/orders.input"
        let schema = try #require(Self.schema(document))
        #expect(schema["properties"]?["tree"] == ["$ref": .string("\(place)/$defs/node")])
        #expect(schema["properties"]?["$ref"] == ["type": "string"])
        #expect(schema["properties"]?["kind"] == ["const": ["$ref": "#/data"]])
        #expect(schema["$defs"]?["node"]?["items"] == ["$ref": .string(place)])
    }

    @Test func aSchemaWithAnIdKeepsItsReferences() async throws {
        let input: JSONValue = [
            "$id": "https://schemas.test/orders", "type": "object",
            "properties": ["tree": ["$ref": "#/$defs/node"]], "$defs": ["node": [:]],
        ]
        #expect(Self.schema(try await Self.document(input)) == input)
    }

    @Test func serversAndPathsAreThoseThatClientsReach() async throws {
        let document = try await Self.document(["type": "object"])
        #expect(document["servers"] == [["url": "http://tools.test:1"]])
        #expect(document["paths"]?.object?.members.map(\.name) == ["/v1/tools/orders"])
    }
}

@Suite struct PlainAnswerTests {
    @Test func onlyIdentityIsAskedForAgain() {
        let codes = Refusal.Code.allCases
        let unauthorized = codes.filter { $0.httpStatus == 401 }
        #expect(unauthorized.allSatisfy { Refusal($0, "").isUnauthenticated })
        #expect(unauthorized.count == codes.filter { Refusal($0, "").isUnauthenticated }.count)
        #expect(codes.allSatisfy { (400...504).contains($0.httpStatus) })
    }

    @Test func aFormThatIsNoDocumentIsOneAllTheSame() async throws {
        for (content, body) in [
            (ResultContent.text("hi"), #"{"text":"hi"}"#),
            (.binary([1, 2], mediaType: "a/b"), #"{"data":"AQI=","mediaType":"a/b"}"#),
        ] {
            let gate = try GateFixture(backend: { _ in RawResult(content) })
            guard case .answered(let result) = try await gate.call() else {
                Issue.record("refused")
                continue
            }
            #expect(String(decoding: AnswerJSON.whole(result), as: UTF8.self) == body)
        }
    }
}
