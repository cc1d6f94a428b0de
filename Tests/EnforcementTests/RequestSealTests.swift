import JSON
import TestSupport
import Testing

@testable import Enforcement

@Suite struct RequestSealTests {
    private static let now = 1_800_000_000
    private let seal = RequestSeal(key: Array("a key".utf8))

    /// What a state is bound to, each part by its name.
    private struct Parts {
        var caller = Caller(
            issuer: "i", subject: "ada", kind: .agent, onBehalfOf: "bo", clientID: "c",
            groups: ["a", "b"], claims: JSONObject(("tenant", "t"), ("exp", 1)))
        var method = "tools/call"
        var tool: Name = "orders"
        var backend: Name = "shop"
        var effect = Tool.Effect.write
        var arguments = JSONObject(("a", 1), ("b", ["x": "y"]))
        var matter = "Really?"

        func binding() throws -> RequestSeal.Binding {
            let tool = try Tool.sample(tool, backend: backend, effect: effect)
            return RequestSeal.Binding(
                caller: caller, method: method, tool: GuardedTool(tool, policy: Policy()),
                arguments: arguments, matter: matter)
        }
    }

    private func sealed(_ parts: Parts = Parts(), for seconds: Int = 60) throws -> String {
        try seal.seal(try parts.binding(), expires: Self.now + seconds).text
    }

    @Test func whatWasSealedOpensForTheSameCall() throws {
        let text = try sealed()
        let opened = try #require(seal.open(text, for: try Parts().binding(), now: Self.now))
        #expect(opened.expires == Self.now + 60)
        #expect(opened.nonce.count == 16)
        var reordered = Parts()
        reordered.arguments = JSONObject(("b", ["x": "y"]), ("a", 1))
        reordered.caller.groups = ["b", "a"]
        reordered.caller.claims["exp"] = 2
        reordered.caller.claims["jti"] = "another token"
        #expect(seal.open(text, for: try reordered.binding(), now: Self.now) != nil)
    }

    @Test func noTwoStatesAreAlike() throws {
        let texts = try (0..<100).map { _ in try sealed() }
        #expect(Set(texts).count == 100)
    }

    private static let changes: [(name: String, change: @Sendable (inout Parts) -> Void)] = [
        ("issuer", { $0.caller.issuer = "j" }), ("subject", { $0.caller.subject = "eve" }),
        ("kind", { $0.caller.kind = .human }), ("human", { $0.caller.onBehalfOf = "eve" }),
        ("no human", { $0.caller.onBehalfOf = nil }), ("client", { $0.caller.clientID = "d" }),
        ("group", { $0.caller.groups = ["a"] }), ("claim", { $0.caller.claims["tenant"] = "u" }),
        ("no claim", { $0.caller.claims["tenant"] = nil }),
        ("no client", { $0.caller.clientID = nil }), ("method", { $0.method = "prompts/get" }),
        ("tool", { $0.tool = "order" }), ("backend", { $0.backend = "crm" }),
        ("effect", { $0.effect = .read }), ("value", { $0.arguments["a"] = 2 }),
        ("type", { $0.arguments["a"] = "1" }), ("deep value", { $0.arguments["b"] = ["x": "z"] }),
        ("spelling", { $0.arguments["a"] = .number(JSONNumber(validated: "1.0")) }),
        ("more", { $0.arguments["c"] = .null }), ("less", { $0.arguments["a"] = nil }),
        ("matter", { $0.matter = "Sure?" }),
        // The same bytes in a row, cut elsewhere.
        (
            "cut",
            {
                $0.caller.issuer = "ia"; $0.caller.subject = "da"
            }
        ),
    ]

    @Test(arguments: changes.indices)
    func anyOtherCallOpensNothing(_ index: Int) throws {
        let (name, change) = Self.changes[index]
        var parts = Parts()
        change(&parts)
        let text = try sealed()
        #expect(seal.open(text, for: try parts.binding(), now: Self.now) == nil, "\(name)")
        let other = try sealed(parts)
        #expect(seal.open(other, for: try Parts().binding(), now: Self.now) == nil, "\(name)")
        #expect(seal.open(other, for: try parts.binding(), now: Self.now) != nil, "\(name)")
    }

    @Test func anyOtherTextOpensNothing() throws {
        let text = try sealed()
        let binding = try Parts().binding()
        let bytes = Array(text.utf8)
        for index in bytes.indices {
            for letter in [UInt8(ascii: "A"), UInt8(ascii: "_")] where letter != bytes[index] {
                var changed = bytes
                changed[index] = letter
                let text = String(decoding: changed, as: UTF8.self)
                #expect(seal.open(text, for: binding, now: Self.now) == nil, "letter \(index)")
            }
        }
        for other in ["", "=", text + "A", text + "=", String(text.dropLast()), text + text, "é"] {
            #expect(seal.open(other, for: binding, now: Self.now) == nil, "\(other)")
        }
        // The last letter of 57 bytes holds no stray bits, so that there is one text for one state.
        #expect(bytes.count == 76)
    }

    @Test func aStateEnds() throws {
        let text = try sealed(for: 60)
        let binding = try Parts().binding()
        #expect(seal.open(text, for: binding, now: Self.now + 59) != nil)
        #expect(seal.open(text, for: binding, now: Self.now + 60) == nil)
    }

    @Test func anotherInstallationOpensNothing() throws {
        let other = RequestSeal(key: Array("another key".utf8))
        #expect(other.open(try sealed(), for: try Parts().binding(), now: Self.now) == nil)
    }
}
