import Enforcement
import JSON

/// The small notations inside strings: names, durations, sizes, paths.
extension Node {
    /// A name of the dialect: letters, digits, `_`, `-` and what `also` adds.
    func name(also: String = "", atMost limit: Int = 64) -> Name? {
        guard let text = string() else { return nil }
        let isWord = text.utf8.allSatisfy { byte in isWordByte(byte) || also.utf8.contains(byte) }
        if isWord && (1...limit).contains(text.utf8.count) { return Name(text) }
        let more = also.isEmpty ? "" : also.map { ", `\($0)`" }.joined()
        report("must be 1 to \(limit) letters, digits, `_`, `-`\(more)")
        return nil
    }

    func scope() -> Name? { name(also: ".:", atMost: 128) }
    func ruleID() -> Name? { name(also: ".") }

    /// A group, subject or user as an identity provider spells it: any printable text.
    func identity() -> Name? { prose(atMost: 256).map { Name($0) } }

    func names(_ read: (Node) -> Name?) -> [Name]? {
        guard let elements = someElements() else { return nil }
        let names = elements.compactMap(read)
        return names.count == elements.count ? names : nil
    }

    /// `500ms`, `5s`, `2m`, `1h`.
    func duration(in range: ClosedRange<Duration>) -> Duration? {
        guard let text = string() else { return nil }
        let units: [(String, Int64)] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)]
        guard let milliseconds = scaled(text, by: units) else {
            report("must be a duration such as \"500ms\", \"5s\", \"2m\"")
            return nil
        }
        let duration = Duration.milliseconds(milliseconds)
        if range.contains(duration) { return duration }
        report("must be from \(spelled(range.lowerBound)) to \(spelled(range.upperBound))")
        return nil
    }

    /// `64KB`, `1MB`, `512B`; powers of 1024.
    func byteCount(in range: ClosedRange<Int>) -> Int? {
        guard let text = string() else { return nil }
        let units: [(String, Int64)] = [("B", 1), ("KB", 1 << 10), ("MB", 1 << 20)]
        guard let count = scaled(text, by: units) else {
            report("must be a size such as \"64KB\", \"1MB\"")
            return nil
        }
        if range.contains(Int(count)) { return Int(count) }
        report(
            "must be from \(spelledBytes(range.lowerBound)) to \(spelledBytes(range.upperBound))")
        return nil
    }

    func network() -> NetworkRange? {
        guard let text = string() else { return nil }
        if let network = NetworkRange(text) { return network }
        report("must be a network such as \"10.0.0.0/8\" or \"fd00::/8\"")
        return nil
    }

    /// A regular expression of linear time.
    func pattern() -> Pattern? {
        guard let text = prose(atMost: 512) else { return nil }
        do {
            return try Pattern(text)
        } catch {
            report(error.message)
            return nil
        }
    }

    /// A path as the file system takes it, made absolute against the manifests directory.
    func path(under directory: String) -> String? {
        guard let text = prose(atMost: 1_024) else { return nil }
        return text.utf8.first == UInt8(ascii: "/") ? text : "\(directory)/\(text)"
    }
}

func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
    default: false
    }
}

/// ASCII letters only, as SQLite folds names.
func lowercased(_ name: Name) -> Name {
    let bytes = name.text.utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }
    return Name(String(decoding: bytes, as: UTF8.self))
}

/// A positive whole number followed directly by a unit; nil for anything else, overflow included.
private func scaled(_ text: String, by units: [(String, Int64)]) -> Int64? {
    let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    let unit = String(decoding: text.utf8.dropFirst(digits.count), as: UTF8.self)
    guard let factor = units.first(where: { $0.0.isByteEqual(to: unit) })?.1,
        let count = Int64(String(decoding: digits, as: UTF8.self))
    else { return nil }
    let (product, overflow) = count.multipliedReportingOverflow(by: factor)
    return overflow ? nil : product
}

/// The notation that `Node.duration` reads.
func spelled(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let milliseconds = seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    if milliseconds % 1_000 != 0 { return "\(milliseconds)ms" }
    if seconds % 3_600 == 0 && seconds > 0 { return "\(seconds / 3_600)h" }
    return seconds % 60 == 0 && seconds > 0 ? "\(seconds / 60)m" : "\(seconds)s"
}

/// The notation that `Node.byteCount` reads.
func spelledBytes(_ count: Int) -> String {
    if count % (1 << 20) == 0 && count > 0 { return "\(count >> 20)MB" }
    return count % (1 << 10) == 0 && count > 0 ? "\(count >> 10)KB" : "\(count)B"
}
