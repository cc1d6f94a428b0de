import Enforcement
import Foundation
import JSON
import TestSupport
import Testing

@testable import ToolServer

@Suite struct RegisteredFileTests {
    private static let entry: JSONValue = ["type": "http", "url": "http://localhost:7070/mcp"]

    private func inFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("register-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder.path)
    }

    private func read(_ path: String) throws -> JSONValue {
        try JSONParser.parse([UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
    }

    @Test func writingTwiceChangesNothingTheSecondTime() throws {
        try inFolder { (folder) throws in
            let path = "\(folder)/a/.mcp.json"
            let file = RegisteredFile(
                path: path, content: .server(name: "shop", entry: Self.entry))
            #expect(try file.outdated() == ["is missing"])
            #expect(try file.write())
            #expect(try read(path) == ["mcpServers": ["shop": Self.entry]])
            #expect(try file.outdated() == [])
            #expect(try !file.write())
        }
    }

    @Test func whatPeopleHavePutThereStays() throws {
        try inFolder { (folder) throws in
            let path = "\(folder)/.mcp.json"
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            let before = """
                {"mcpServers": {"other": {"command": "x"},
                  "shop": {"type": "stdio", "command": "old", "timeout": 5}}, "more": 1}
                """
            try Data(before.utf8).write(to: URL(fileURLWithPath: path))
            let file = RegisteredFile(
                path: path, content: .server(name: "shop", entry: Self.entry))
            #expect(
                try file.outdated() == [
                    "`mcpServers.shop.command` differs", "`mcpServers.shop.type` differs",
                    "`mcpServers.shop.url` differs",
                ])
            #expect(try file.write())
            #expect(
                try read(path) == [
                    "mcpServers": [
                        "other": ["command": "x"],
                        "shop": [
                            "type": "http", "url": "http://localhost:7070/mcp", "timeout": 5,
                        ],
                    ], "more": 1,
                ])
        }
    }

    @Test(arguments: ["{", "[]", #"{"mcpServers": []}"#, "// no\n{}"])
    func aFileThatCannotBeReadWholeIsLeftAsItIs(_ text: String) throws {
        try inFolder { (folder) throws in
            let path = "\(folder)/.mcp.json"
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            let file = RegisteredFile(
                path: path, content: .server(name: "shop", entry: Self.entry))
            #expect(throws: CommandFailure.self) { try file.write() }
            #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
        }
    }
}

@Suite struct SkillTests {
    private static func text(_ policy: Policy, tools: Int = 1) async throws -> SkillText {
        let fixture = try GateFixture(
            tools: try (0..<tools).map { try Tool.sample(Name("orders\($0)")) }, policy: policy)
        let caller = Caller(issuer: "test", subject: "ada", groups: ["support"])
        return SkillText(name: "desk", server: "shop", tools: fixture.gate.outlook(for: caller))
    }

    @Test(arguments: [
        "", "Desk", "my_desk", "-desk", "desk-", "a--b", "my-claude", "anthropic",
        String(repeating: "a", count: 65), "de\u{301}sk",
    ])
    func aNameThatClientsWouldNotTakeIsRefused(_ name: String) {
        #expect(SkillFolder.fault(in: name) != nil)
        #expect(SkillFolder.fault(in: "support-desk-2") == nil)
    }

    @Test func onlyRulesThatCouldMeetThisCallerAreNamed() async throws {
        let text = try await Self.text(
            Policy(
                grants: GateFixture.grants,
                rules: [
                    Rule(
                        id: "late", effect: .deny,
                        when: .fact(.argument("hour"), .over(JSONNumber(20))), reason: "too late",
                        instead: "wait"),
                    Rule(
                        id: "others", effect: .approve,
                        when: .fact(.callerGroups, .oneOf(["fraud"])), reason: "not yours"),
                    Rule(
                        id: "elsewhere", effect: .deny,
                        when: .fact(.toolName, .oneOf(["other"])), reason: "not here"),
                ]))
        #expect(text.main.contains("### shop:orders0\n"))
        #expect(
            text.main.contains("- May be refused by rule `late`: too late. Instead: wait.\n"))
        #expect(!text.main.contains("others"))
        #expect(!text.main.contains("elsewhere"))
        #expect(!text.main.contains("held for"))
    }

    @Test func moreToolsThanSKILLMDShouldHoldStandInAFileOfTheirOwn() async throws {
        let text = try await Self.text(Policy(grants: GateFixture.grants), tools: 300)
        let lines = text.main.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count <= SkillText.linesMax + 3)
        #expect(text.main.contains("[tools.md](tools.md)"))
        let more = try #require(text.more)
        for index in 0..<300 {
            let heading = "### shop:orders\(index)\n"
            #expect(text.main.contains(heading) != more.contains(heading))
        }
        let description = try #require(lines.first { $0.hasPrefix("description: ") })
        #expect(description.utf8.count <= SkillText.descriptionMax + "description: \"\"".utf8.count)
    }
}
