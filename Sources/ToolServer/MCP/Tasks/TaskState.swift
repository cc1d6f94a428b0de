import Enforcement
import Glibc
import JSON

/// One task as the store keeps it and as `tasks/get` tells it.
///
/// Its result is kept as its caller may see it, masks included, and no longer than they need to
/// fetch it; its arguments are not kept at all.
struct TaskState: Sendable {
    enum Status: String, Sendable { case working, completed, failed, cancelled }

    /// How long a task can be asked for, from its beginning on. Longer than any tool may run.
    static let lifetimeSeconds = 900
    static let pollMilliseconds = 1_000
    /// The largest answer that is kept. What a tool may answer by its limits fits in.
    static let resultBytesMax = 12 << 20

    let id: Name
    let tool: Name
    let isWrite: Bool
    let created: Int
    var updated: Int
    var status = Status.working
    /// Of the answer that the call would have had, or of its error, as JSON.
    var payload: [UInt8] = []

    init(id: Name, tool: Tool, now: Int) {
        self.id = id
        self.tool = tool.name
        isWrite = tool.effect == .write
        created = now
        updated = now
    }

    // MARK: In the store

    /// nil for what this build did not write.
    init?(_ entry: StateEntry) {
        guard let end = entry.body.firstIndex(of: UInt8(ascii: "\n")),
            let head = try? JSONParser.parse(Array(entry.body[..<end])),
            let status = Status(rawValue: entry.phase.text), let tool = head["tool"]?.string,
            let created = head["created"]?.int, let updated = head["updated"]?.int,
            let isWrite = head["write"]?.bool
        else { return nil }
        id = entry.id
        self.tool = Name(tool)
        self.isWrite = isWrite
        self.created = created
        self.updated = updated
        self.status = status
        payload = Array(entry.body[(end + 1)...])
    }

    var body: [UInt8] {
        var writer = JSONWriter(reserving: payload.count + 128)
        writer.beginObject()
        writer.member("tool", tool.text)
        writer.member("write", isWrite)
        writer.member("created", created)
        writer.member("updated", updated)
        writer.endObject()
        return writer.finish() + [UInt8(ascii: "\n")] + payload
    }

    func entry(owner: Digest32, holder: Name) -> StateEntry {
        StateEntry(
            kind: .task, id: id, owner: owner, phase: Name(status.rawValue), holder: holder,
            expires: created + Self.lifetimeSeconds, body: body)
    }

    /// The entry one step on: nobody is at work on it any more.
    func ending(_ entry: StateEntry) -> StateEntry {
        var entry = entry
        entry.phase = Name(status.rawValue)
        entry.holder = nil
        entry.body = body
        return entry
    }

    // MARK: How it ended

    mutating func end(_ status: Status, _ payload: [UInt8] = [], now: Int) {
        self.status = status
        self.payload = payload
        updated = now
    }

    mutating func end(with result: Result<[UInt8], RPCError>, now: Int) {
        switch result {
        case .success(let answer) where answer.count <= Self.resultBytesMax:
            end(.completed, answer, now: now)
        case .success: lose(now: now)
        case .failure(let error): end(.failed, Reply.errorObject(error), now: now)
        }
    }

    /// It ended, and what it answered cannot be kept.
    mutating func lose(now: Int) {
        let text =
            isWrite
            ? "The task ended, but its answer cannot be kept. The change may have been made: look before making the call again."
            : "The task ended, but its answer cannot be kept. Ask for less, or make the call again later."
        end(.failed, Self.error(text), now: now)
    }

    /// The process that ran it is gone, and with it all that was not on disk.
    mutating func interrupt(now: Int) {
        let text =
            isWrite
            ? "The server ended while this task ran. The change may have been made or not: look before making the call again."
            : "The server ended while this task ran. Nothing was changed. Make the call again."
        end(.failed, Self.error(text), now: now)
    }

    private static func error(_ text: String) -> [UInt8] {
        Reply.errorObject(RPCError(.internal, text))
    }

    // MARK: For its caller

    /// The members of the protocol's `Task`, without braces.
    func write(into writer: inout JSONWriter, withPayload: Bool) {
        writer.member("taskId", id.text)
        writer.member("status", status.rawValue)
        writer.member("createdAt", Self.time(created))
        writer.member("lastUpdatedAt", Self.time(updated))
        writer.member("ttlMs", Self.lifetimeSeconds * 1_000)
        writer.member("pollIntervalMs", Self.pollMilliseconds)
        guard withPayload, !payload.isEmpty else { return }
        switch status {
        case .completed:
            writer.name("result")
            writer.raw(payload)
        case .failed:
            writer.name("error")
            writer.raw(payload)
        case .working, .cancelled: break
        }
    }

    /// ISO 8601.
    private static func time(_ seconds: Int) -> String {
        var seconds = time_t(seconds)
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let year = unsafe Int(parts.tm_year) + 1900
        let date = unsafe "\(year)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        let time = unsafe "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
        return "\(date)T\(time)Z"
    }
}
