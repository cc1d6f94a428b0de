import Backends
import Enforcement
import JSON

/// The options by which readers choose calls and events.
enum RecordFilter {
    static let options =
        RecordQuery.Field.allCases.map { "--\($0.rawValue)" }
        + ["--relation", "--rule", "--since", "--until", "--text"]

    static func query(_ arguments: Arguments, most: Int) throws(UsageError) -> RecordQuery {
        var query = RecordQuery(most: most)
        for field in RecordQuery.Field.allCases {
            guard let value = arguments["--\(field.rawValue)"] else { continue }
            query.fields.append((field, value))
        }
        query.relation = arguments["--relation"]
        query.rule = arguments["--rule"]
        query.text = arguments["--text"]
        query.log = arguments["--log"]
        query.since = try time("--since", arguments)
        query.until = try time("--until", arguments)
        let decisions = ["allow", "hold", "deny"]
        if let decision = arguments["--decision"],
            !decisions.contains(where: { $0.isByteEqual(to: decision) })
        {
            throw UsageError("--decision takes allow, hold or deny")
        }
        return query
    }

    /// `2026-11-21`, `2026-11-21T13:00`, a time as the record has it or as `list` shows it, or how
    /// long ago: `90s`, `15m`, `24h`, `7d`.
    private static func time(
        _ option: String, _ arguments: Arguments
    ) throws(UsageError) -> String? {
        guard let text = arguments[option] else { return nil }
        if let seconds = seconds(text) { return WallClock.text(WallClock.seconds() - seconds) }
        let form = Array("0000-00-00T00:00:00.000000".utf8)
        var bytes = Array(text.utf8)
        if bytes.count > 11, bytes.last == UInt8(ascii: "Z") { bytes.removeLast() }
        if bytes.count > 10, bytes[10] == 0x20 { bytes[10] = UInt8(ascii: "T") }
        let isTime =
            bytes.count >= 10 && bytes.count <= form.count
            && zip(bytes, form).allSatisfy { byte, form in
                form == UInt8(ascii: "0") ? byte &- form < 10 : byte == form
            }
        guard isTime else {
            throw UsageError(
                "\(option) takes a time in UTC such as 2026-11-21T13:00, or how long ago, such as 24h"
            )
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `90s`, `15m`, `24h`, `7d`.
    static func seconds(_ text: String) -> Int? {
        guard let unit = text.utf8.last, let seconds = units[unit],
            text.dropLast().utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0 }),
            let count = Int(text.dropLast()), (0...1_000_000).contains(count)
        else { return nil }
        return count * seconds
    }

    private static let units: [UInt8: Int] = [
        UInt8(ascii: "s"): 1, UInt8(ascii: "m"): 60, UInt8(ascii: "h"): 3_600,
        UInt8(ascii: "d"): 86_400,
    ]
}
