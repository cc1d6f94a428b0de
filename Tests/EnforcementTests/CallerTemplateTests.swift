import Enforcement
import JSON
import Testing

@Suite struct CallerTemplateTests {
    private var caller: Caller {
        Caller(
            issuer: "i", subject: "ada", groups: ["support"],
            claims: JSONObject(distinct: [
                ("tenant", .number(JSONNumber(7))), ("empty", .null), ("list", [1]),
            ]))
    }

    private func value(_ text: String, group: Name? = nil) throws -> String {
        try #require(CallerTemplate(text)).value(for: caller, group: group).text
    }

    @Test func onePlaceholderKeepsTheTypeOfItsValue() throws {
        #expect(try value("{caller.claims.tenant}") == "7")
        #expect(try value("{caller.subject}") == "\"ada\"")
        #expect(try value("{caller.claims.list}") == "[1]")
    }

    @Test func severalPartsAreText() throws {
        #expect(try value("agent_{group}", group: "support") == "\"agent_support\"")
        #expect(try value("t{caller.claims.tenant}/{caller.person}") == "\"t7/ada\"")
    }

    @Test(arguments: ["{caller.claims.no}", "{caller.claims.empty}", "{group}", "{client.id}"])
    func nothingStandsInForWhatTheCallerLacks(_ text: String) {
        #expect(throws: BackendError.self) { try value(text) }
    }

    @Test func aListIsNoText() {
        #expect(throws: BackendError.self) { try value("x{caller.claims.list}") }
    }

    @Test(arguments: ["{", "}", "{caller}", "{caller.claims.}", "a}b", "{{group}}", "{group"])
    func whatIsNoPlaceholderIsRefused(_ text: String) {
        #expect(CallerTemplate(text) == nil)
    }
}
