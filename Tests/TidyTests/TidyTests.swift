import Enforcement
import Foundation
import Testing

/// What every file of the product is held to and no compiler checks. Each problem is a line that
/// names the file, so that a failure reads like a list of things to do.
@Suite struct TidyTests {
    private let sources: [SourceText]

    init() throws { sources = try SourceText.all.get() }

    private func places(_ find: (SourceText) -> [(line: Int, fault: String)]) -> String {
        sources.flatMap { file in find(file).map { "\(file.path):\($0.line): \($0.fault)" } }
            .joined(separator: "\n")
    }

    @Test func everySourceIsSeen() {
        #expect(sources.count > 80)
        #expect(Set(sources.map(\.module)).isSuperset(of: Self.imports.keys))
    }

    /// What is looked for, and the expression that tells it from longer words. The plain text is
    /// looked for first: an expression on every line would take most of the time of all tests.
    static let forbidden: [(text: String, pattern: String)] = [
        ("try!", #"\btry!"#), ("as!", #"\bas!"#), ("fatalError(", #"\bfatalError\("#),
        ("print(", #"\bprint\("#), ("Task.detached", #"\bTask\.detached\b"#),
        ("JSONSerialization", #"\bJSONSerialization\b"#),
        ("import Foundation", #"\bimport Foundation"#), ("public", #"^\s*(@\w+\s+)*public\s"#),
        ("@preconcurrency", "@preconcurrency"), ("assumeIsolated", "assumeIsolated"),
    ]

    @Test(arguments: forbidden)
    func noSourceHolds(_ text: String, _ pattern: String) throws {
        let regex = try Regex(pattern)
        let found = places { file in
            file.code.enumerated().filter {
                $0.element.contains(text) && $0.element.contains(regex)
            }.map { ($0.offset + 1, $0.element.trimmingCharacters(in: .whitespaces)) }
        }
        #expect(found.isEmpty, "\(found)")
    }

    /// The loop's own sleep gives way to others and ends with its task; every other one blocks a
    /// thread or outlives its call.
    @Test func nothingSleepsButTheLoop() {
        let found = places { file in
            file.path == "Sources/EventLoop/Loop/LoopSleep.swift"
                ? []
                : file.code.enumerated().filter {
                    $0.element.contains("sleep(") && $0.element.contains(/\b[un]*sleep\(/)
                        && !$0.element.contains("loop.sleep(")
                }.map { ($0.offset + 1, "sleeps") }
        }
        #expect(found.isEmpty, "\(found)")
    }

    @Test func noFileIsOver400Lines() {
        let found = places { file in
            file.lines.count > 401 ? [(file.lines.count - 1, "lines, 400 allowed")] : []
        }
        #expect(found.isEmpty, "\(found)")
    }

    @Test func noFunctionIsOver70Lines() {
        let found = places { file in
            file.functions.filter { $0.count > 70 }.map {
                ($0.line, "\($0.name) has \($0.count) lines, 70 allowed")
            }
        }
        #expect(found.isEmpty, "\(found)")
    }

    /// A text for a reader is not broken; what stands around it is.
    @Test func noLineOfCodeIsOver100Columns() {
        let found = places { file in
            zip(file.lines, file.code).enumerated().filter {
                $0.element.0.count > 100
                    && (!$0.element.0.contains("\"") && !Self.isInText(file, $0.offset)
                        || $0.element.1.count > 100)
            }.map { ($0.offset + 1, "\($0.element.0.count) columns, 100 allowed") }
        }
        #expect(found.isEmpty, "\(found)")
    }

    /// Inside a multi-line literal nothing of a line is code.
    private static func isInText(_ file: SourceText, _ line: Int) -> Bool {
        file.code[line].isEmpty && !file.lines[line].contains("//")
    }

    /// Who may import whom. Beside these: Glibc, Synchronization and Dispatch.
    static let imports: [String: Set<String>] = [
        "JSON": [],
        "Enforcement": ["JSON", "COpenSSL"],
        "EventLoop": ["CLinux", "COpenSSL"],
        "Backends": ["Enforcement", "EventLoop", "JSON", "CPostgres", "CSQLite"],
        "ToolServer": ["Backends", "Enforcement", "EventLoop", "JSON"],
    ]

    @Test func importsGoOneWay() {
        let free: Set<String> = ["Glibc", "Synchronization", "Dispatch"]
        let found = places { file in
            file.code.enumerated().compactMap { index, line in
                guard line.contains("import "),
                    let match = line.firstMatch(
                        of: /^\s*(?:[@a-z]+\s+)*import\s+(?:[a-z]+\s+)?([A-Za-z]+)/)
                else { return nil }
                let name = String(match.1)
                let allowed = Self.imports[file.module, default: []].union(free)
                return allowed.contains(name)
                    ? nil : (index + 1, "\(file.module) may not import \(name)")
            }
        }
        #expect(found.isEmpty, "\(found)")
    }

    @Test func theGateAloneRunsABackend() {
        let found = places { file in
            guard file.module == "Enforcement" || file.module == "ToolServer" else { return [] }
            return file.code.enumerated().filter {
                $0.element.contains("backend.run(") && file.path != "Sources/Enforcement/Gate.swift"
            }.map { ($0.offset + 1, "runs a backend") }
        }
        #expect(found.isEmpty, "\(found)")
    }

    @Test func errorsMDListsEveryCodeOnce() throws {
        let text = try String(
            contentsOf: SourceText.root.appendingPathComponent("docs/errors.md"), encoding: .utf8)
        let listed = text.split(separator: "\n").compactMap { line in
            line.firstMatch(of: /^\| `([a-z_.]+)` \|/).map { String($0.1) }
        }
        #expect(listed.sorted() == Refusal.Code.allCases.map(\.rawValue).sorted())
    }
}

@Suite struct SourceTextTests {
    @Test func commentsAndLiteralsAreNoCode() {
        let text = """
            let a = "try! as! \\(b("}")) print(" // fatalError(
            let c = #"print("x")"#
            """
        let code = SourceText(path: "", text: text).code
        #expect(code == ["let a = \"\" ", "let c = \"\""])
    }

    @Test func functionsAreCountedFromNameToBrace() {
        let text = "protocol P {\n  func a()\n}\nstruct S {\n  init() {\n    b {\n    }\n  }\n}\n"
        let functions = SourceText(path: "", text: text).functions
        #expect(functions.map(\.name) == ["init"])
        #expect(functions.map(\.count) == [4])
    }
}
