import JSON
import TestSupport
import Testing

@testable import Enforcement

@Suite struct TrailTests {
    static func arrived() throws -> ArrivedCall {
        ArrivedCall(
            caller: .supposed(
                Caller(issuer: "local-user", subject: "ada", groups: ["support"])), tool: "orders",
            arguments: JSONObject(), via: Transport(kind: .stdio, address: ""))
    }

    @Test func aCallThatEndsUnrecordedStopsTheProcess() async {
        await #expect(processExitsWith: .failure) {
            _ = Trail(try TrailTests.arrived(), sink: RecordingSink())
        }
    }

    @Test func aCallThatIsRecordedDoesNot() async {
        await #expect(processExitsWith: .success) {
            let trail = Trail(try TrailTests.arrived(), sink: RecordingSink())
            _ = await trail.close(.refused(.expiredToken))
        }
    }

    // MARK: Masked arguments

    static let masks = [
        MaskRule(
            id: "m", target: .column(backend: "shop", ColumnPath("customers", "email")),
            strategy: .partial),
        MaskRule(id: "f", target: .field("card_number"), strategy: .redact),
    ]

    static func line(of arguments: JSONObject, effect: Tool.Effect = .read) async throws -> String {
        let fixture = try GateFixture(
            tools: [try .sample(effect: effect)],
            policy: Policy(grants: GateFixture.grants, masks: masks))
        _ = try await fixture.call("orders", arguments)
        #expect(fixture.sink.bodies.count == 2)
        #expect(fixture.sink.lines.count == 2)
        return fixture.sink.text
    }

    @Test(arguments: [
        "email", "Email", "E-MAIL", "e_mail", "card_number", "cardNumber", "CARD NUMBER",
    ])
    func anArgumentNamedLikeWhatIsMaskedIsCoveredOnRecord(_ name: String) async throws {
        for effect in Tool.Effect.allCases {
            let text = try await Self.line(
                of: JSONObject((name, "canary"), ("city", "Ulm")), effect: effect)
            #expect(!text.contains("canary"))
            #expect(text.contains(#""city":"Ulm""#))
        }
    }

    @Test func theLabelSaysWhatWasThere() async throws {
        let text = try await Self.line(of: JSONObject(("cardNumber", 4111)))
        #expect(text.contains(#""arguments":{"cardNumber":"[card_number]"}"#))
    }

    /// An argument may be a whole record, or a list of them.
    @Test func maskedNamesAreCoveredAtEveryDepth() async throws {
        let customer: JSONValue = ["name": "Ada", "email": ["work": "canary"]]
        let text = try await Self.line(
            of: JSONObject(
                ("customer", customer),
                ("customers", [customer, ["x": [["Card-Number": "canary"]]]]))
        )
        #expect(!text.contains("canary"))
        #expect(text.contains(#""customer":{"name":"Ada","email":"[email]"}"#))
    }

    @Test func otherArgumentsAreRecordedAsTheyCame() async throws {
        let value = JSONValue.number(JSONNumber(validated: "1.50"))
        let text = try await Self.line(
            of: JSONObject(("emails", "e"), ("n", value), ("t", "line\nbreak \u{1F600}")))
        #expect(text.contains(#""arguments":{"emails":"e","n":1.50,"t":"line\nbreak"#))
    }

    @Test func noLineHoldsALineBreak() async throws {
        let text = try await Self.line(
            of: JSONObject(("a\nb", "c\r\nd\u{1}"), ("\u{2028}", "x")))
        #expect(text.utf8.filter { $0 < 0x20 }.count == 1)
    }

    @Test func idsAreNeverTheSame() {
        let ids = (0..<1_000).map { _ in CallID.next() }
        #expect(Set(ids).count == ids.count)
    }
}
