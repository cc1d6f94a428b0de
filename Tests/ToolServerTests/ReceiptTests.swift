import Enforcement
import JSON
import TestSupport
import Testing

@testable import ToolServer

/// `_meta` of answers, where the record gives evidence of their lines.
@Suite struct ReceiptTests {
    private static let key = "toolserver/receipt"

    private static func answer(
        _ arguments: String, isStateless: Bool, givingEvidence: Bool = true
    ) async throws -> JSONValue {
        let gate = try GateFixture(
            policy: Policy(
                grants: GateFixture.grants,
                rules: [
                    Rule(
                        id: "never", effect: .deny, when: .fact(.argument("city"), .present(true)),
                        reason: "r")
                ]))
        if givingEvidence {
            gate.sink.give(RecordEvidence(sequence: 14, leaf: "TEVBRg==", checkpoint: "note\n"))
        }
        let params: JSONValue = [
            "name": "orders", "arguments": try JSONParser.parse(Array(arguments.utf8)),
        ]
        return isStateless
            ? try await MCPFixture(gate).answer(
                MCPFixture.stateless("tools/call", params), .v20260728)
            : try await MCPFixture(gate).answer(MCPFixture.request("tools/call", params))
    }

    @Test(arguments: [false, true])
    func answersHoldWhatProvesThem(_ isStateless: Bool) async throws {
        let answer = try await Self.answer("{}", isStateless: isStateless)
        let receipt = try #require(answer["_meta"]?[Self.key])
        #expect(receipt.text == #"{"seq":14,"leaf":"TEVBRg==","checkpoint":"note\n"}"#)
        #expect(answer["isError"] == false)
        #expect((answer["_meta"]?.object?.members.count ?? 0) == (isStateless ? 2 : 1))
    }

    @Test(arguments: [false, true])
    func whatIsRefusedIsProvedToo(_ isStateless: Bool) async throws {
        let answer = try await Self.answer(#"{"city":"Ulm"}"#, isStateless: isStateless)
        #expect(answer["isError"] == true)
        #expect(answer["_meta"]?[Self.key]?["seq"] == 14)
    }

    @Test func withoutEvidenceAnswersSayNothingOfIt() async throws {
        let answer = try await Self.answer("{}", isStateless: false, givingEvidence: false)
        #expect(answer["_meta"] == nil)
    }
}
