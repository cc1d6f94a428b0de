import Enforcement
import EventLoop
import Foundation
import JSON
import Testing

@testable import Backends

/// A backend on a database of its own, with loops and workers.
final class PostgresFixture: Sendable {
    let server: PostgresServer
    let backend: PostgresBackend
    let options: PostgresOptions
    let group: EventLoopGroup
    let workers: WorkerPool
    private let asideWorkers = WorkerPool(threads: 1, queueLimit: 256, name: "aside")
    /// For what a test wants to know or do beside the backend.
    let aside: PostgresLink

    /// Where tests do what blocks: the threads that run them are few, and whoever blocks one holds
    /// up all others.
    static let patient = WorkerPool(threads: 4, queueLimit: 256, name: "patient")

    static func make(
        _ schema: String = "", server: PostgresServer? = nil, loops: Int = 1,
        change: @escaping @Sendable (inout PostgresOptions) -> Void = { _ in }
    ) async throws -> PostgresFixture {
        try await patient.run { _ in
            Result {
                try PostgresFixture(schema, server: server, loops: loops, change: change)
            }
        }.get()
    }

    private init(
        _ schema: String, server: PostgresServer?, loops: Int,
        change: (inout PostgresOptions) -> Void
    ) throws {
        let server = try server ?? PostgresServer.shared.get()
        self.server = server
        var options = PostgresOptions()
        options.hosts = [.init(name: "127.0.0.1", port: server.port)]
        options.tls = .disable
        options.user = "owner"
        options.database = "postgres"
        let name = "d" + UUID().uuidString.lowercased().filter { $0 != "-" }
        try PostgresLink(options).run("create database \(name)")
        options.database = name
        let aside = try PostgresLink(options)
        if !schema.isEmpty { try aside.run(schema) }
        change(&options)
        self.aside = aside
        self.options = options
        group = try EventLoopGroup(count: loops)
        try group.start()
        workers = WorkerPool(threads: 8, queueLimit: 256, name: "postgres")
        backend = PostgresBackend(options, workers: workers, loops: group.loops)
    }

    deinit {
        for pool in backend.pools {
            pool.loop.execute { pool.close() }
        }
        group.stop()
        workers.stop()
        asideWorkers.stop()
    }

    func tool(
        _ sql: String, _ effect: Tool.Effect = .read, limits: ToolLimits = ToolLimits(),
        bound: [(name: Name, value: CallerTemplate)] = []
    ) async throws -> Tool {
        let operation = Enforcement.Operation.sql(SQLOperation(text: sql, bound: bound))
        return Tool(
            name: "test", title: "Test", description: "", backend: "test", scope: "test",
            effect: effect, inputSchema: [:], input: InputCheck(schema: try JSONSchema([:])),
            operation: operation, limits: limits,
            examination: try await elsewhere { [backend] in
                try backend.examine(operation, effect: effect)
            })
    }

    /// On a loop, as every call runs.
    func run(
        _ tool: Tool, _ arguments: JSONObject = JSONObject(), as caller: Caller? = nil,
        on loop: Int = 0
    ) async -> Result<RawResult, BackendError> {
        let job = Job(
            tool: tool, arguments: arguments,
            caller: CallerID(
                issuer: "", subject: Name(caller?.subject ?? ""), groups: caller?.groups ?? []),
            identity: caller, deadline: .now + tool.limits.time)
        let task = Task(executorPreference: group.loops[loop]) { [backend] in
            do throws(BackendError) {
                return Result<RawResult, BackendError>.success(try await backend.perform(job))
            } catch { return .failure(error) }
        }
        return await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
    }

    /// The rows of one statement as JSON text.
    func text(
        _ sql: String, _ arguments: JSONObject = JSONObject(), effect: Tool.Effect = .read,
        limits: ToolLimits = ToolLimits(), as caller: Caller? = nil
    ) async throws -> String {
        let tool = try await tool(sql, effect, limits: limits)
        return try Self.text(await run(tool, arguments, as: caller).get(), tool)
    }

    static func text(_ result: RawResult, _ tool: Tool) -> String {
        var writer = JSONWriter()
        writer.beginArray()
        for row in 0..<result.rows.rowCount {
            writer.beginArray()
            for column in 0..<result.rows.columnCount {
                let cell = result.rows[row: row, column: column]
                switch cell.kind {
                case .null: writer.null()
                case .text: writer.string(utf8: result.rows.content(of: cell))
                case .bool, .number, .json: writer.raw(Array(result.rows.content(of: cell)))
                }
            }
            writer.endArray()
        }
        writer.endArray()
        return String(decoding: writer.finish(), as: UTF8.self)
    }

    /// One value, asked beside the backend.
    @discardableResult
    func ask(_ sql: String) async throws -> String? {
        try await elsewhere { [aside] in try aside.rows(sql).first?.first ?? nil }
    }

    func change(_ sql: String) async throws {
        try await elsewhere { [aside] in try aside.run(sql) }
    }

    /// Waits until the server says so, at most ten seconds.
    func until(_ sql: String, is wanted: String) async throws -> Bool {
        for _ in 0..<1_000 {
            if try await ask(sql) == wanted { return true }
            try await ask("select pg_sleep(0.01)")
        }
        return false
    }

    func elsewhere<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await asideWorkers.run { _ in Result { try body() } }.get()
    }
}

/// One after the other: each keeps a server busy.
@Suite(.serialized) enum PostgresTests {}

extension Result where Failure == BackendError {
    var reason: BackendError.Reason? {
        if case .failure(let error) = self { error.reason } else { nil }
    }
}
