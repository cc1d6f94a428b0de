import Foundation
import Testing

/// A claim of docs/threat-model.md is worth what shows it: every test that it names exists.
@Test func everyTestThatTheThreatModelNamesExists() throws {
    let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let text = try String(
        contentsOf: root.appendingPathComponent("docs/threat-model.md"), encoding: .utf8)
    // camelCase of Swift, snake_case of Python; words of commands have neither.
    let named = Set(
        text.matches(of: /`([a-z]+(?:[A-Z_][A-Za-z0-9]*)+[A-Za-z0-9_]*)`/).map { String($0.1) })
    #expect(named.count > 25)
    var defined: Set<String> = []
    let files = FileManager.default.enumerator(
        at: root.appendingPathComponent("Tests"), includingPropertiesForKeys: nil)
    while let file = files?.nextObject() as? URL {
        guard ["swift", "py"].contains(file.pathExtension) else { continue }
        let source = try String(contentsOf: file, encoding: .utf8)
        defined.formUnion(source.matches(of: /(?:func|def) ([A-Za-z0-9_]+)/).map { String($0.1) })
    }
    #expect(named.subtracting(defined).sorted() == [])
}
