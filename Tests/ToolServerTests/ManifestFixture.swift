import Enforcement
import Foundation
import JSON

@testable import ToolServer

/// A manifests directory that loads; a test replaces the file it is about.
struct ManifestFixture {
    static let server = """
        { "server": "shop",
          "http": {"listen": "127.0.0.1:7070"} }
        """
    static let backend = """
        { "backend": "shop", "kind": "sqlite", "file": "shop.db", "create": "shop.sql" }
        """
    static let tool = """
        { "tool": "one", "title": "One", "description": "One customer.", "backend": "shop",
          "scope": "crm.read", "effect": "read",
          "input": {"id": {"type": "integer"}},
          "sql": "select name from customers where id = :id" }
        """
    static let policy = """
        { "grants": [{"grant": ["crm.read"], "to": {"groups": ["support"]}}] }
        """

    var files = [
        "server.json": server, "backends/shop.json": backend, "tools/one.json": tool,
        "policy/shop.json": policy, "shop.sql": "create table customers (id, name);",
    ]
    var examinations: [String: Examination] = [:]

    init(_ changes: [String: String?] = [:]) {
        for (name, text) in changes { files[name] = text }
    }

    func load() throws -> Catalog {
        try inDirectory { directory in
            try Self.maker(examinations).load(directory: directory)
        }
    }

    /// The problems, as `check` prints them; empty when the manifests load.
    func problems() throws -> [String] {
        do {
            _ = try load()
            return []
        } catch let error as ManifestError {
            return error.problems.map(\.text)
        }
    }

    func warnings() throws -> [String] { try load().warnings.map(\.text) }

    func inDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("manifests-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        for (name, text) in files {
            let file = directory.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        return try body(directory.path)
    }

    static func maker(_ examinations: [String: Examination] = [:]) -> CatalogMaker {
        CatalogMaker(
            makeBackend: { (_) throws(BackendError) in FakeBackend(examinations: examinations) },
            digest: { String(decoding: $0, as: UTF8.self) })
    }
}

/// Finds parameters and effect by the look of a statement, which only a test may do.
struct FakeBackend: Backend {
    var examinations: [String: Examination]

    func columns() throws(BackendError) -> BackendColumns {
        func paths(_ table: Name, _ columns: Name...) -> [ColumnPath] {
            columns.map { ColumnPath(schema: "main", table: table, column: $0) }
        }
        // Those of the demo too, as far as rules name them.
        let stored =
            paths("customers", "id", "name", "email", "phone") + paths("staff", "salary")
            + paths("payments", "card_number")
        return BackendColumns(
            stored: Set(stored), viewed: Set(paths("people", "mail")), functions: ["main.upper"])
    }

    func examine(
        _ operation: Enforcement.Operation, effect: Tool.Effect
    ) throws(BackendError) -> Examination {
        if case .freeSQL = operation { return .ofCallers(effect) }
        if case .describe = operation { return SchemaDescription.examination }
        guard case .sql(let sql) = operation else { throw BackendError(.invalid, detail: "?") }
        if let examination = examinations[sql.text] { return examination }
        if sql.text.contains("syntax error") {
            throw BackendError(.invalid, detail: "near \"error\": syntax error")
        }
        var names: [Name] = []
        for match in sql.text.matches(of: #/:([A-Za-z_]\w*)/#)
        where !names.contains(Name(String(match.1))) {
            names.append(Name(String(match.1)))
        }
        return Examination(
            columns: [], reads: [], parameters: names,
            isReadOnly: sql.text.contains(#/^(--.*\n)*\s*select/#))
    }

    func examine(_ job: Job) async throws(BackendError) -> CallExamination {
        CallExamination(
            examination: job.tool.examination, request: .sql(text: "", parameters: []))
    }

    func run(_ call: consuming ClearedCall) async throws(BackendError) -> RawResult {
        throw BackendError(.unavailable, detail: "never run here")
    }
}

/// The folder `manifests/` of this package.
let shippedManifests = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("manifests")
