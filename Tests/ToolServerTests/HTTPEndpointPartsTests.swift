import Enforcement
import EventLoop
import JSON
import TestSupport
import Testing

@testable import ToolServer

@Suite struct OriginCheckTests {
    private let check = OriginCheck(port: 7070, resource: "https://Tools.example.com/mcp")

    private func admits(_ host: String?, _ origin: String? = nil) -> Bool {
        var headers: [(name: String, value: String)] = []
        if let host { headers.append(("Host", host)) }
        if let origin { headers.append(("Origin", origin)) }
        return check.admits(
            HTTPRequest(method: "POST", path: "/mcp", headers: HTTPHeaders(headers)))
    }

    @Test(arguments: [
        "127.0.0.1:7070", "localhost:7070", "LOCALHOST:7070", "[::1]:7070", "tools.example.com",
    ])
    func ourOwnNamesAreAdmitted(_ host: String) {
        #expect(admits(host))
    }

    @Test(arguments: [
        "evil.example", "localhost", "localhost:7071", "127.0.0.1", "localhost.evil.example:7070",
        "tools.example.com:7070", "tools.example.com.", "", "localhost:7070@evil.example",
        "127.0.0.1.evil.example:7070", "localhost:7070 ",
    ])
    func otherNamesAreNot(_ host: String) {
        #expect(!admits(host))
    }

    @Test func aRequestWithoutHostIsNot() { #expect(!admits(nil)) }

    @Test(arguments: [
        "http://localhost:7070", "https://tools.example.com", "http://127.0.0.1:7070",
    ])
    func ourOwnPagesMaySend(_ origin: String) { #expect(admits("localhost:7070", origin)) }

    @Test(arguments: [
        "http://evil.example", "null", "", "file://", "http://localhost:7070.evil.example",
        "http://localhost:7070@evil.example", "ws://localhost:7070", "localhost:7070",
        "https://tools.example.com.evil.example", "http://localhost:7071",
    ])
    func otherPagesMayNot(_ origin: String) { #expect(!admits("localhost:7070", origin)) }
}

@Suite struct StatelessHeadersTests {
    private func code(
        _ name: String = "orders", _ headers: (name: String, value: String)...,
        method: String = "tools/call"
    ) -> RPCError.Code? {
        let all =
            headers.contains { $0.name == "Mcp-Method" }
            ? headers : [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", method)] + headers
        do throws(RPCError) {
            try StatelessHeaders.check(
                HTTPHeaders(all), against: MCPFixture.stateless(method, ["name": .string(name)]))
            return nil
        } catch { return error.code }
    }

    @Test func headersThatAgreeAreFine() {
        #expect(code("orders", ("Mcp-Name", "orders")) == nil)
        #expect(code(method: "tools/list") == nil)
    }

    @Test func aNameThatIsMissingOtherOrDoubleIsAMismatch() {
        #expect(code() == .headerMismatch)
        #expect(code("orders", ("Mcp-Name", "refund")) == .headerMismatch)
        #expect(code("orders", ("Mcp-Name", "Orders")) == .headerMismatch)
        #expect(code("K", ("Mcp-Name", "\u{212A}")) == .headerMismatch)
        #expect(code("\u{FFFD}", ("Mcp-Name", "\u{FFFD}")) == .headerMismatch)
        #expect(code("a\tb", ("Mcp-Name", "a\tb")) == .headerMismatch)
        #expect(
            code("orders", ("Mcp-Name", "orders"), ("mcp-name", "orders")) == .headerMismatch)
    }

    @Test func versionAndMethodMustAgreeToo() {
        let name = (name: "Mcp-Name", value: "orders")
        let version = (name: "MCP-Protocol-Version", value: "2026-07-28")
        #expect(code("orders", version, ("Mcp-Method", "tools/list"), name) == .headerMismatch)
        #expect(code("orders", ("Mcp-Method", "tools/call"), name) == .headerMismatch)
        #expect(
            code(
                "orders", ("MCP-Protocol-Version", "2025-11-25"), ("Mcp-Method", "tools/call"), name
            )
                == .headerMismatch)
    }

    @Test func base64CarriesWhatAHeaderCannot() {
        #expect(code("sch\u{F6}n", ("Mcp-Name", "=?base64?c2Now7Zu?=")) == nil)
        #expect(code("orders", ("Mcp-Name", "=?base64?b3JkZXJz?=")) == nil)
        #expect(code("", ("Mcp-Name", "=?base64??=")) == nil)
        #expect(code("=?base64?=", ("Mcp-Name", "=?base64?=")) == nil)
    }

    @Test(arguments: [
        "=?base64?c2Now7Z?=", "=?base64?c2Now7Zu=?=", "=?base64?c2No w7Zu?=", "=?BASE64?c2Now7Zu?=",
        "=?base64?c2Now7Zu", "=?utf-8?b?c2Now7Zu?=", "=?base64?/w==?=", "=?base64?c2No-7Zu?=",
        "c2Now7Zu",
    ])
    func base64ThatIsNotExactIsAMismatch(_ value: String) {
        #expect(code("sch\u{F6}n", ("Mcp-Name", value)) == .headerMismatch)
    }
}

@Suite struct SessionSealTests {
    @Test func aSessionIsGoodForTheOneWhoHasItAlone() async throws {
        let seal = try SessionSeal()
        let gate = try GateFixture()
        let ada = try await gate.caller("ada").id
        let eve = try await gate.caller("eve").id
        let session = try #require(seal.issue(to: ada))
        #expect(seal.isValid(session, for: ada))
        #expect(!seal.isValid(session, for: eve))
        #expect(!(try SessionSeal().isValid(session, for: ada)))
        #expect(seal.issue(to: ada) != session)
    }

    @Test func everySpoiledSessionIsUnknown() async throws {
        let seal = try SessionSeal()
        let ada = try await GateFixture().caller("ada").id
        let session = try #require(seal.issue(to: ada))
        for text in [
            "", "x", session + "A", String(session.dropLast()), session + "=", " " + session,
        ] {
            #expect(!seal.isValid(text, for: ada), "\(text)")
        }
        let bytes = try #require(Base64URL.decode(session))
        for index in bytes.indices {
            var spoiled = bytes
            spoiled[index] ^= 1
            #expect(!seal.isValid(Base64URL.encode(spoiled), for: ada))
        }
    }
}
