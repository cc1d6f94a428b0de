import Enforcement
import EventLoop
import Foundation
import JSON

@testable import Backends

/// A database file of its own for each test, removed afterwards.
final class SQLiteFixture {
    let folder: String
    let backend: SQLiteBackend
    let pool: WorkerPool
    private var isStopped = false
    var file: String { folder + "/test.db" }

    static let schema = """
        CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, ssn TEXT, amount REAL) STRICT;
        CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER, note TEXT, amount REAL) STRICT;
        CREATE TABLE salaries (id INTEGER PRIMARY KEY, amount REAL) STRICT;
        CREATE TABLE loose (id INTEGER PRIMARY KEY, anything, upper_note AS (upper(anything)));
        CREATE VIEW people AS SELECT id AS person, ssn AS secret FROM users;
        CREATE VIEW mixed AS SELECT note AS text FROM orders UNION ALL SELECT ssn FROM users;
        CREATE VIEW joined AS SELECT users.id, note FROM users JOIN salaries USING (amount)
            JOIN orders ON orders.user_id = users.id;
        INSERT INTO users VALUES (1, 'Ada', '078-05-1120', 10.5), (2, 'Ben', '219-09-9999', 20.0);
        INSERT INTO orders VALUES (1, 1, 'first', 10.5), (2, 2, 'second', 7.25);
        INSERT INTO salaries VALUES (1, 5000.0), (2, 10.5);
        """

    init(
        _ schema: String = SQLiteFixture.schema, threads: Int = 2,
        busyTimeout: Duration = .seconds(2)
    ) throws {
        folder = NSTemporaryDirectory() + "backends-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        pool = WorkerPool(threads: threads, queueLimit: 256, name: "sqlite")
        backend = try SQLiteBackend(
            SQLiteOptions(
                file: folder + "/test.db", createFrom: Array(schema.utf8), busyTimeout: busyTimeout),
            pool: pool)
    }

    /// A pool's threads can be joined once only.
    func stopWorkers() {
        if !isStopped { pool.stop() }
        isStopped = true
    }

    deinit {
        stopWorkers()
        try? FileManager.default.removeItem(atPath: folder)
    }

    func examine(_ sql: String, _ effect: Tool.Effect = .read) throws -> Examination {
        try backend.examine(.sql(SQLOperation(text: sql)), effect: effect)
    }

    func tool(
        _ sql: String, _ effect: Tool.Effect = .read, limits: ToolLimits = ToolLimits(),
        examination: Examination? = nil
    ) throws -> Tool {
        Tool(
            name: "test", title: "Test", description: "", backend: "test", scope: "test",
            effect: effect, inputSchema: [:], input: InputCheck(schema: try JSONSchema([:])),
            operation: .sql(SQLOperation(text: sql)), limits: limits,
            examination: try examination ?? examine(sql, effect))
    }

    func run(_ tool: Tool, _ arguments: JSONObject = JSONObject(), time: Duration = .seconds(30))
        async throws -> RawResult
    {
        try await backend.perform(
            Job(tool: tool, arguments: arguments, deadline: .now.advanced(by: time)))
    }

    func run(
        _ sql: String, _ effect: Tool.Effect = .read, _ arguments: JSONObject = JSONObject(),
        limits: ToolLimits = ToolLimits(), time: Duration = .seconds(30)
    ) async throws -> RawResult {
        try await run(try tool(sql, effect, limits: limits), arguments, time: time)
    }

    /// Runs text that no examination would allow, with an examination that says it is harmless.
    func runUnexamined(_ sql: String, _ effect: Tool.Effect = .read) async throws -> RawResult {
        let harmless = Examination(columns: [], reads: [], parameters: [], isReadOnly: true)
        return try await run(try tool(sql, effect, examination: harmless))
    }

    func reason(_ body: () async throws -> Void) async -> BackendError.Reason? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? BackendError)?.reason
        }
    }
}

extension RawResult {
    /// The cells as text, each with its kind in front: `number 1`.
    var cells: [[String]] {
        (0..<rows.rowCount).map { row in
            (0..<rows.columnCount).map { column in
                let cell = rows[row: row, column: column]
                let text = String(decoding: rows.content(of: cell), as: UTF8.self)
                return cell.kind == .null ? "null" : "\(cell.kind) \(text)"
            }
        }
    }
}

func arguments(_ members: (String, JSONValue)...) -> JSONObject {
    JSONObject(distinct: members.map { (name: $0.0, value: $0.1) })
}
