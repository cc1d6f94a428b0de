import Enforcement
import JSON

/// What the signs look at in one call, or in strangers turned away.
struct WatchedCall {
    let log: String
    let sequence: Int
    /// Microseconds since 1970.
    let at: Int
    /// How many it stands for: strangers are counted together.
    var count = 1
    var tool = Name("")
    var code = ""
    /// By grants or rules; what does not fit a schema is a mistake and no attempt.
    var isRefused = false
    var rules: [Name] = []
    var rows = 0
    var token: Name?
    var address: Name?
    var client: Name?
    var form = ArgumentForm()

    /// Nil for what is neither a call nor a stranger.
    init?(_ entry: RecordedEntry, log: String) {
        guard let first = entry.first, let at = RecordTime.microseconds(first.at) else {
            return nil
        }
        self.log = log
        sequence = first.sequence
        self.at = at
        code = entry.text("code") ?? ""
        if first.event.isByteEqual(to: "stranger") {
            count += max(0, first["unwritten"]?.int ?? 0)
            isRefused = true
            return
        }
        guard entry.isCall, entry.subject != nil else { return nil }
        tool = Name(entry.text("tool") ?? "")
        isRefused =
            entry.text("decision").map { $0.isByteEqual(to: "deny") } ?? false
            && !code.isByteEqual(to: "arguments.invalid")
        rules = entry.rules.map { Name($0) }
        rows = max(0, entry.outcome?["rows"]?.int ?? 0)
        token = (entry["caller"]?["token"]?.string).map { Name($0) }
        address = entry.text("address").map { Name(Self.network($0)) }
        client = entry.lines.lazy.compactMap(\.client).first.map { Name($0) }
        form = ArgumentForm(entry["arguments"]?.object ?? JSONObject())
    }

    /// One device has many addresses of version 6, all of one network of 64 bits.
    private static func network(_ address: String) -> String {
        guard let bytes = NetworkRange.address(address), bytes.count == 16 else { return address }
        return bytes[..<8].map { String($0, radix: 16) }.joined(separator: ":") + "/64"
    }
}

/// A call's arguments with every value taken out, and the values: calls of one form ask the same of
/// different keys.
struct ArgumentForm {
    private(set) var shape = Name("")
    private(set) var values: [(argument: String, value: Name)] = []

    /// Arguments that are larger are no keys.
    private static let valuesMax = 16
    private static let textMax = 4_096

    init() {}

    init(_ arguments: JSONObject) {
        var text = ""
        for member in arguments.members {
            text += member.name + "="
            take(member.value, of: member.name, &text)
            text += ";"
        }
        guard values.count <= Self.valuesMax else {
            values = []
            return
        }
        shape = Name(text)
    }

    private mutating func take(_ value: JSONValue, of argument: String, _ text: inout String) {
        switch value {
        case .string(let string): take(string, of: argument, &text)
        case .number(let number):
            text += "?"
            values.append((argument, Name(number.text)))
        case .array(let items):
            text += "["
            for item in items.prefix(Self.valuesMax + 1) { take(item, of: argument, &text) }
            text += "]"
        default: text += value.text
        }
    }

    /// What holds a space may be a statement: then its quoted parts and its numbers are values.
    private mutating func take(_ string: String, of argument: String, _ text: inout String) {
        let bytes = Array(string.utf8.prefix(Self.textMax))
        guard bytes.contains(UInt8(ascii: " ")) else {
            text += "?"
            return values.append((argument, Name(string)))
        }
        var rest = bytes[...]
        var kept: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "'") {
                let quoted = rest.prefix { $0 != UInt8(ascii: "'") }
                rest = rest.dropFirst(quoted.count + 1)
                append(quoted, argument)
                kept.append(UInt8(ascii: "?"))
            } else if Self.isDigit(byte), !(kept.last.map { isWordByte($0) } ?? false) {
                let digits = rest.prefix { Self.isDigit($0) }
                rest = rest.dropFirst(digits.count)
                append([byte] + digits, argument)
                kept.append(UInt8(ascii: "?"))
            } else {
                kept.append(byte)
            }
        }
        text += String(decoding: kept, as: UTF8.self)
    }

    private mutating func append(_ bytes: some Sequence<UInt8>, _ argument: String) {
        values.append((argument, Name(String(decoding: Array(bytes), as: UTF8.self))))
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
}
