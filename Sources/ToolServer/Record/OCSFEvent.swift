import Enforcement
import JSON

/// An entry as an event of OCSF 1.3: a call on a database is Datastore Activity (6005), another
/// call API Activity (6003), somebody turned away Authentication (3002), the server's own start,
/// stop and reload Application Lifecycle (6002).
///
/// `metadata.uid` is the log's key and the number of the entry's last line: the same for every
/// copy that is sent, and for no other event.
enum OCSFEvent {
    static let version = "1.3.0"

    private struct Kind {
        let category: Int
        let categoryName: String
        let uid: Int
        let name: String
        let activity: Int
        let activityName: String
    }

    static func bytes(of entry: RecordedEntry, log: String, origin: String) -> [UInt8] {
        let kind = kind(of: entry)
        var writer = JSONWriter(reserving: 1_024)
        writer.beginObject()
        writer.member("category_uid", kind.category)
        writer.member("category_name", kind.categoryName)
        writer.member("class_uid", kind.uid)
        writer.member("class_name", kind.name)
        writer.member("activity_id", kind.activity)
        writer.member("activity_name", kind.activityName)
        writer.member("type_uid", kind.uid * 100 + kind.activity)
        writer.member("time", (RecordTime.microseconds(entry.first?.at ?? "") ?? 0) / 1_000)
        writeOutcome(of: entry, into: &writer)
        writeMetadata(of: entry, kind.uid, log, origin, into: &writer)
        if let subject = entry.subject { writeActor(subject, of: entry, into: &writer) }
        if let address = entry.text("address"), kind.uid != 6002 {
            writer.member("src_endpoint", ["ip": .string(address)])
        } else if entry.isCall {
            // There must be one. A pipe has no address.
            writer.member("src_endpoint", ["name": .string(entry.text("via") ?? "unknown")])
        }
        switch kind.uid {
        case 6003: writeRequest(entry, into: &writer)
        case 6005: writeQuery(entry, into: &writer)
        case 3002:
            if entry.subject == nil {
                writer.member("user", ["name": "unknown", "type_id": 0])
            } else {
                writeUser(of: entry, into: &writer)
            }
            writer.member("service", ["name": "ToolServer"])
        default: writer.member("app", product)
        }
        writeUnmapped(entry, kind.uid, into: &writer)
        writer.endObject()
        return writer.finish()
    }

    private static func kind(of entry: RecordedEntry) -> Kind {
        if entry.isCall {
            let isWrite = entry.text("effect") == "write"
            guard entry["sql"] != nil || entry.text("statement") != nil else {
                return Kind(
                    category: 6, categoryName: "Application Activity", uid: 6003,
                    name: "API Activity", activity: isWrite ? 3 : 2,
                    activityName: isWrite ? "Update" : "Read")
            }
            return Kind(
                category: 6, categoryName: "Application Activity", uid: 6005,
                name: "Datastore Activity", activity: isWrite ? 2 : 1,
                activityName: isWrite ? "Update" : "Read")
        }
        if entry.first?.event == "stranger" {
            return Kind(
                category: 3, categoryName: "Identity & Access Management", uid: 3002,
                name: "Authentication", activity: 1, activityName: "Logon")
        }
        let activities = ["start": (3, "Start"), "stop": (4, "Stop")]
        let (activity, name) = activities[entry.first?.event ?? ""] ?? (99, "Other")
        return Kind(
            category: 6, categoryName: "Application Activity", uid: 6002,
            name: "Application Lifecycle", activity: activity, activityName: name)
    }

    private static func writeOutcome(of entry: RecordedEntry, into writer: inout JSONWriter) {
        let code = entry.outcome?.text("code") ?? entry.text("code")
        let isOK = code.map { $0.isByteEqual(to: "ok") } ?? !entry.isCall
        let isRefused =
            entry.text("decision") == "deny"
            || ["stranger", "objection"].contains { entry.first?.event == $0 }
        writer.member("severity_id", isRefused ? 3 : isOK ? 1 : 2)
        writer.member("severity", isRefused ? "Medium" : isOK ? "Informational" : "Low")
        let isUnknown = code == nil && entry.isCall || code == "unknown"
        writer.member("status_id", isUnknown ? 0 : isOK ? 1 : 2)
        writer.member("status", isUnknown ? "Unknown" : isOK ? "Success" : "Failure")
        if let code { writer.member("status_code", code) }
        if let noted = entry.text("noted") { writer.member("status_detail", noted) }
        if let micros = entry["microseconds"]?.int { writer.member("duration", micros / 1_000) }
    }

    private static func writeMetadata(
        of entry: RecordedEntry, _ kind: Int, _ log: String, _ origin: String,
        into writer: inout JSONWriter
    ) {
        writer.name("metadata")
        writer.beginObject()
        writer.member("version", version)
        writer.member("uid", "\(origin)#\(entry.lines.last?.sequence ?? 0)")
        writer.member("log_name", log)
        writer.member("sequence", entry.lines.last?.sequence ?? 0)
        if let trace = entry.text("traceparent") { writer.member("correlation_uid", trace) }
        writer.member("product", product)
        // It says that there may be an actor, where the class has none of its own.
        if kind == 6002, entry.subject != nil { writer.member("profiles", ["host"]) }
        writer.endObject()
    }

    private static var product: JSONValue {
        [
            "name": "ToolServer", "vendor_name": "ToolServer",
            "version": .string(ServerDescription.version),
        ]
    }

    private static func writeActor(
        _ subject: String, of entry: RecordedEntry, into writer: inout JSONWriter
    ) {
        writer.name("actor")
        writer.beginObject()
        writeUser(of: entry, into: &writer)
        if let session = entry.text("session") {
            writer.member("session", ["uid": .string(session)])
        }
        if let client = entry.lines.lazy.compactMap(\.client).first {
            writer.member("app_name", client)
        }
        writer.endObject()
    }

    private static func writeUser(of entry: RecordedEntry, into writer: inout JSONWriter) {
        let caller = entry["caller"]
        let subject = entry.subject ?? ""
        let groups = (caller?["groups"]?.array ?? []).map { group in
            JSONValue.object(JSONObject(distinct: [("name", group)]))
        }
        writer.name("user")
        writer.beginObject()
        writer.member("uid", subject)
        writer.member("name", entry.person ?? subject)
        writer.member("type_id", caller?["kind"]?.string == "agent" ? 3 : 1)
        if let issuer = caller?["issuer"]?.string { writer.member("domain", issuer) }
        writer.member("groups", .array(groups))
        writer.endObject()
    }

    /// A call of an API.
    private static func writeRequest(_ entry: RecordedEntry, into writer: inout JSONWriter) {
        var api: [JSONObject.Member] = [
            ("operation", .string(entry.text("tool") ?? "")),
            ("request", ["uid": .string(entry.first?.call ?? "")]),
        ]
        if let backend = entry.text("backend") {
            api.append(("service", ["name": .string(backend)]))
        }
        writer.member("api", .object(JSONObject(distinct: api)))
    }

    /// A call on a database. The class names one table; several are in `unmapped`.
    private static func writeQuery(_ entry: RecordedEntry, into writer: inout JSONWriter) {
        if let backend = entry.text("backend") {
            writer.member("database", ["name": .string(backend), "type_id": 1])
        }
        if entry.relations.count == 1 {
            writer.member("table", ["name": .string(entry.relations[0])])
        }
        writer.member(
            "query_info",
            [
                "name": .string(entry.text("tool") ?? ""),
                "uid": .string(entry.first?.call ?? ""),
                "query_string": .string(entry.text("statement") ?? ""),
            ])
    }

    /// What has no place of its own.
    private static func writeUnmapped(
        _ entry: RecordedEntry, _ kind: Int, into writer: inout JSONWriter
    ) {
        let names = [
            "decision", "arguments", "rows", "changed", "masked", "reason", "toolUse", "confirmed",
            "task", "host", "path", "method", "tags", "catalog", "unwritten", "transport",
            "approval", "grant", "state", "tools",
        ]
        var members: [JSONObject.Member] = names.compactMap { name in
            entry[name].map { (name, $0) }
        }
        if !entry.rules.isEmpty {
            members.append(("rules", .array(entry.rules.map { .string($0) })))
        }
        if entry.relations.count > 1 {
            members.append(("relations", .array(entry.relations.map { .string($0) })))
        }
        if kind == 6002, let address = entry["address"] { members.append(("address", address)) }
        guard !members.isEmpty else { return }
        writer.member("unmapped", .object(JSONObject(distinct: members)))
    }
}
