import Enforcement
import JSON
import TestSupport
import Testing

@testable import ToolServer

@Suite struct MCPToolsListTests {
    private func fixture(_ names: [String]) throws -> MCPFixture {
        MCPFixture(try GateFixture(tools: names.map { try .sample(Name($0)) }))
    }

    private func names(_ count: Int) -> [String] {
        (0..<count).map { "tool_" + String(1_000 + $0) }
    }

    private func listed(_ page: JSONValue) -> [String] {
        (page["tools"]?.array ?? []).compactMap { $0["name"]?.string }
    }

    private func page(_ cursor: JSONValue?, of fixture: MCPFixture) async throws -> JSONValue {
        try await fixture.answer(
            MCPFixture.request("tools/list", cursor.map { ["cursor": $0] } ?? [:]))
    }

    @Test(arguments: [0, 1, 49, 50, 51, 100, 120])
    func pagesHoldEveryToolOnce(_ count: Int) async throws {
        let fixture = try fixture(names(count))
        var seen: [String] = []
        var cursor: JSONValue?
        var pages = 0
        repeat {
            let page = try await page(cursor, of: fixture)
            seen += listed(page)
            cursor = page["nextCursor"]
            pages += 1
        } while cursor != nil && pages < 10
        #expect(seen == names(count))
        #expect(pages == max(1, (count + 49) / 50))
    }

    @Test func aPageGoesOnWhereToolsHaveGoneAndCome() async throws {
        let before = try fixture(names(60))
        let cursor = try #require(try await page(nil, of: before)["nextCursor"])
        var left = names(60)
        left.removeSubrange(45..<52)
        left.append("tool_2000")
        let after = try fixture(left)
        #expect(
            listed(try await page(cursor, of: after)) == Array(names(60)[52...]) + ["tool_2000"])
        #expect(listed(try await page(cursor, of: try fixture([]))) == [])
    }

    @Test(
        arguments: [
            "", "!", "dG9vbA==", "dG9 vbA", "A", "_-", "gICA", .null, 1, [], [:], true,
        ] as [JSONValue])
    func aCursorThatIsNotOursIsRefused(_ cursor: JSONValue) async throws {
        let fixture = try fixture(names(60))
        let error = try await fixture.error(
            MCPFixture.request("tools/list", ["cursor": cursor]))
        #expect(error?.code == .invalidParams, "\(cursor.text)")
        #expect(error?.id == .integer("1"))
    }

    @Test func eachCallerSeesTheirOwnListAlsoFromTheCache() async throws {
        let fixture = MCPFixture(try GateFixture(tools: [try .sample("orders")]))
        for _ in 0..<2 {
            #expect(listed(try await page(nil, of: fixture)) == ["orders"])
            let other = try await fixture.answer(
                MCPFixture.request("tools/list"), .v20251125, as: "eve")
            #expect(listed(other) == [])
        }
    }

    @Test func eachVersionHasItsMembersAlsoFromTheCache() async throws {
        let fixture = MCPFixture(
            try GateFixture(tools: [try .sample("a"), try .sample("b", effect: .write)]))
        for _ in 0..<2 {
            for version in ProtocolVersion.served {
                let request =
                    version.isStateless
                    ? MCPFixture.stateless("tools/list") : MCPFixture.request("tools/list")
                let answer = try await fixture.answer(request, version)
                let first = try #require(answer["tools"]?.array?.first)
                #expect((first["outputSchema"] != nil) == version.hasStructuredContent)
                #expect((first["title"] != nil) == version.hasStructuredContent)
                #expect((answer["ttlMs"] != nil) == version.isStateless)
                #expect(first["annotations"]?["readOnlyHint"] == true)
                let write = answer["tools"]?.array?.last
                #expect(write?["annotations"]?["destructiveHint"] == true)
            }
        }
    }

    @Test func theDeclaredSchemaNamesTheMaskedColumnAsText() async throws {
        let mask = MaskRule(id: "m", target: .field("card"), strategy: .redact)
        let fixture = MCPFixture(
            try GateFixture(
                tools: [
                    try .sample("t", columns: [Column("card", .integer), Column("n", .integer)])
                ],
                policy: Policy(grants: GateFixture.grants, masks: [mask])))
        let tool = try await page(nil, of: fixture)["tools"]?.array?.first
        let row = tool?["outputSchema"]?["properties"]?["rows"]?["items"]?["properties"]
        #expect(row?["card"]?["type"] == ["integer", "string", "null"])
        #expect(row?["n"]?["type"] == ["integer", "null"])
    }

    @Test func theCacheIsBounded() async throws {
        let cache = ToolListCache()
        let caller = try await GateFixture().caller().id
        for number in 0..<3_000 {
            let key = ToolListCache.Key(
                caller: caller, cursor: Name(String(number)), version: "v")
            cache[key] = [1]
            #expect(cache[key] == [1])
        }
        let kept = (0..<3_000).filter {
            cache[.init(caller: caller, cursor: Name(String($0)), version: "v")] != nil
        }
        #expect(kept.count <= 1_000)
    }
}
