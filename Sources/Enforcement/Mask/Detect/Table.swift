/// Rows below a line of names: `name,password`, and in the lines under it what only the name of
/// its column tells.
struct Table {
    private struct Column {
        let place: Int
        let named: NamedValues.Named
    }

    private let separator: UInt8
    private let fieldCount: Int
    private let columns: [Column]

    private static let fieldsMax = 64
    private static let lineMax = 2_048

    /// The line of names, if `start..<end` is one and one of them says what is below it.
    private init?(_ text: Span<UInt8>, _ start: Int, _ end: Int, separator: UInt8) {
        var columns: [Column] = []
        var areNames = true
        let count = Self.eachField(text, start, end, separator) { place, from, to in
            guard areNames, Self.isName(text, from, to, mayBeEmpty: separator == Self.bar) else {
                areNames = false
                return
            }
            if from < to, let named = NamedValues.name(text.extracting(from..<to)) {
                columns.append(Column(place: place, named: named))
            }
        }
        guard areNames, count > 1, count <= Self.fieldsMax, !columns.isEmpty else { return nil }
        self.separator = separator
        fieldCount = count
        self.columns = columns
    }

    /// The table that a text begins with: its first line, with commas, semicolons or tabs.
    init?(leading text: Span<UInt8>) {
        // No text that is one line, and no other that begins so.
        guard text.count > 8, Self.mayBeginName(text[0]) else { return nil }
        var separator: UInt8 = 0
        var end = 0
        while end < text.count, end < Self.lineMax, text[end] != UInt8(ascii: "\n") {
            let byte = text[end]
            if byte == UInt8(ascii: ",") || byte == UInt8(ascii: ";") || byte == UInt8(ascii: "\t")
            {
                if separator == 0 { separator = byte }
            } else if !Self.isInName(byte), !byte.isQuote, byte != UInt8(ascii: "\r") {
                return nil
            }
            end += 1
        }
        guard separator != 0, end < text.count, text[end] == UInt8(ascii: "\n") else { return nil }
        self.init(text, 0, Self.trimmed(text, 0, end), separator: separator)
    }

    private static let bar = UInt8(ascii: "|")

    private static func mayBeginName(_ byte: UInt8) -> Bool {
        byte.isLetter || byte.isQuote || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "#")
            || byte >= 0x80
    }

    private static func isInName(_ byte: UInt8) -> Bool {
        byte.isToken || byte == 0x20 || byte >= 0x80 || byte == UInt8(ascii: "#")
            || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "(")
            || byte == UInt8(ascii: ")")
    }

    private static func isName(
        _ text: Span<UInt8>, _ start: Int, _ end: Int, mayBeEmpty: Bool
    ) -> Bool {
        guard start < end else { return mayBeEmpty }
        guard end - start <= 40, mayBeginName(text[start]) else { return false }
        var spaces = 0
        for index in start..<end {
            if !isInName(text[index]) { return false }
            if text[index] == 0x20 { spaces += 1 }
        }
        return spaces <= 3
    }

    // MARK: Rows

    /// What its columns name in the rows from `start` on. Answers where the last of them ends.
    @discardableResult
    func find(
        in text: Span<UInt8>, from start: Int, into findings: inout [Finding]
    ) -> Int {
        var line = start
        while line < text.count {
            let end = text.end(of: line) { $0 != UInt8(ascii: "\n") }
            let last = Self.trimmed(text, line, end)
            if isEnd(text, line, last) { return line }
            if last - line <= Self.lineMax { findRow(in: text, line, last, into: &findings) }
            line = end + 1
        }
        return text.count
    }

    /// An empty line; with bars, the first line without one.
    private func isEnd(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        if separator != Self.bar { return start == end }
        return !Self.isRule(text, start, end)
            && text.end(of: start, atMost: end - start) { $0 != Self.bar } == end
    }

    private func findRow(
        in text: Span<UInt8>, _ start: Int, _ end: Int, into findings: inout [Finding]
    ) {
        let before = findings.count
        var next = 0
        let count = Self.eachField(text, start, end, separator) { place, from, to in
            guard next < columns.count, columns[next].place == place else { return }
            let named = columns[next].named
            next += 1
            guard from < to, to - from <= 256,
                text.end(of: from, atMost: to - from, { $0 != 0x20 }) == to
                    || !named.isSecret,
                let kind = named.kind(of: text.extracting(from..<to))
            else { return }
            findings.append(Finding(kind, from, to))
        }
        // Another number of fields: this is no row of it.
        if count != fieldCount { findings.removeSubrange(before...) }
    }

    /// Each field without what is around it, and how many there are.
    private static func eachField(
        _ text: Span<UInt8>, _ start: Int, _ end: Int, _ separator: UInt8,
        _ body: (_ place: Int, _ start: Int, _ end: Int) -> Void
    ) -> Int {
        var place = 0
        var index = start
        while true {
            var from = text.end(of: index, atMost: end - index) { $0 == 0x20 }
            let quote = text.at(from)
            var to: Int
            if from < end, quote == UInt8(ascii: "\"") {
                from += 1
                to = text.end(of: from, atMost: end - from) { $0 != quote }
                index = min(end, to + 1)
                index = text.end(of: index, atMost: end - index) { $0 != separator }
            } else {
                index = text.end(of: from, atMost: end - from) { $0 != separator }
                to = index
                while to > from, text[to - 1].isBlank { to -= 1 }
            }
            body(place, from, to)
            place += 1
            guard index < end, place <= fieldsMax else { return place }
            index += 1
        }
    }

    private static func trimmed(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
        end > start && text[end - 1] == UInt8(ascii: "\r") ? end - 1 : end
    }

    // MARK: Rules

    /// `|----|----|`, `----+----`: what stands between the names and the rows.
    private static func isRule(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        guard end - start > 4, end - start <= lineMax else { return false }
        var dashes = 0
        var joints = 0
        for index in start..<end {
            switch text[index] {
            case UInt8(ascii: "-"), UInt8(ascii: "="): dashes += 1
            case bar, UInt8(ascii: "+"): joints += 1
            case 0x20, UInt8(ascii: ":"): break
            default: return false
            }
        }
        return dashes > 1 && joints > 0
    }

    /// Tables with a rule below their names, wherever they stand.
    static func findRuled(in text: Span<UInt8>, into findings: inout [Finding]) {
        var names = (start: 0, end: 0)
        var line = 0
        while line < text.count {
            let end = text.end(of: line) { $0 != UInt8(ascii: "\n") }
            let last = trimmed(text, line, end)
            if names.end > names.start, isRule(text, line, last),
                let table = Table(text, names.start, names.end, separator: bar)
            {
                table.find(in: text, from: end + 1, into: &findings)
            }
            names = last - line <= lineMax ? (line, last) : (0, 0)
            line = end + 1
        }
    }
}
