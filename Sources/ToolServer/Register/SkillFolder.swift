import Enforcement
import JSON

/// A plugin with one skill: the server that it brings, and the text from which Claude learns when
/// to use which tool.
///
///     .claude-plugin/plugin.json
///     .mcp.json
///     skills/NAME/SKILL.md
///     skills/NAME/tools.md        where there are more tools than SKILL.md should hold
struct SkillFolder {
    let name: Name
    let server: Registration
    let tools: [ToolOutlook]

    static let nameBytesMax = 64
    /// Of `mcp__plugin_PLUGIN_SERVER__TOOL`; Claude Code drops longer ones.
    static let toolNameBytesMax = 128

    init(name: String, server: Registration, tools: [ToolOutlook]) throws {
        self.name = Name(name)
        self.server = server
        self.tools = tools
        if let fault = Self.fault(in: name) { throw UsageError("a skill's name \(fault)") }
        for tool in tools.map(\.tool) {
            let whole = "mcp__plugin_\(name)_\(server.name)__\(tool.name)"
            guard whole.utf8.count <= Self.toolNameBytesMax else {
                throw CommandFailure(
                    "Claude Code would drop the tool \(tool.name): \(whole) is longer than \(Self.toolNameBytesMax); take a shorter name for the skill, or --name"
                )
            }
        }
    }

    /// Why it is none, in words that follow "the name".
    static func fault(in name: String) -> String? {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        let words = name.split(separator: "-", omittingEmptySubsequences: false)
        guard isPlain, (1...nameBytesMax).contains(name.utf8.count),
            words.allSatisfy({ !$0.utf8.isEmpty })
        else {
            return
                "has 1 to \(nameBytesMax) lower-case letters and digits, with single hyphens between them"
        }
        for reserved in ["claude", "anthropic"]
        where name.utf8.firstRange(of: reserved.utf8) != nil {
            return "must not hold `\(reserved)`"
        }
        return nil
    }

    /// The version rises by itself with each change: clients update a plugin when it has.
    func files(under folder: String) throws(CommandFailure) -> [RegisteredFile] {
        let text = SkillText(name: name, server: server.name, tools: tools)
        let skill = "\(folder)/skills/\(name)"
        var rest = [
            RegisteredFile(
                path: "\(folder)/.mcp.json",
                content: .whole(
                    RegisteredFile.document([(server.name.text, try server.entry())]))),
            RegisteredFile(path: "\(skill)/SKILL.md", content: .whole(text.main)),
        ]
        if let more = text.more {
            rest.append(RegisteredFile(path: "\(skill)/tools.md", content: .whole(more)))
        }
        let path = "\(folder)/.claude-plugin/plugin.json"
        var version = SkillVersion.existing(at: path)
        var isChanged = false
        for file in rest where try !file.outdated().isEmpty { isChanged = true }
        if isChanged { version = version.map(\.next) }
        return [plugin(path, version ?? SkillVersion.first)] + rest
    }

    private func plugin(_ path: String, _ version: SkillVersion) -> RegisteredFile {
        let plugin: JSONValue = [
            "name": .string(name.text), "version": .string(version.text),
            "description": .string(
                "Tools of \(server.name), each a checked and recorded call on a data source."),
        ]
        return RegisteredFile(path: path, content: .whole(plugin.laidOut(indent: 2) + "\n"))
    }
}

struct SkillVersion {
    private let major: Int
    private let minor: Int
    private let patch: Int

    static let first = SkillVersion(major: 1, minor: 0, patch: 0)

    var text: String { "\(major).\(minor).\(patch)" }
    var next: SkillVersion { SkillVersion(major: major, minor: minor, patch: patch + 1) }

    /// Of a plugin.json that may be another's or broken: then it is made anew.
    static func existing(at path: String) -> SkillVersion? {
        guard case .success(let bytes) = FileBytes.read(path),
            let text = (try? JSONParser.parse(bytes))?["version"]?.string
        else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Int($0) }.filter { (0..<1_000_000).contains($0) }
        guard numbers.count == 3, parts.count == 3 else { return nil }
        return SkillVersion(major: numbers[0], minor: numbers[1], patch: numbers[2])
    }
}
