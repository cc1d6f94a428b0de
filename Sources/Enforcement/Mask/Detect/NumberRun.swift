/// Digits in groups, as they stand in a text: `4111 1111 1111 1111`, `(212) 555-0143`.
///
/// Bounded: at most 20 groups and 32 digits, so that a text of nothing but numbers costs a
/// constant for each of them.
///
/// It is large, so it is never copied.
struct NumberRun: ~Copyable {
    /// Places are counted from the beginning of the run.
    private struct Group {
        var start: UInt8 = 0
        var end: UInt8 = 0
        /// How many digits the run has up to the end of this group.
        var digitsEnd: UInt8 = 0
        /// The byte before it; `mixed` for several different ones.
        var separator: UInt8 = 0
    }

    static let groupsMax = 20
    /// No run is longer, with all that stands between its digits.
    static let bytesMax = Digits.countMax + groupsMax * gapMax
    private static let gapMax = 4

    /// Whether a run is worth a look: six digits, or four groups. Most numbers are neither.
    @inline(__always)
    static func isWorthwhile(_ text: Span<UInt8>, at start: Int) -> Bool {
        var digits = 0
        var groups = 1
        var gap = 0
        var index = start
        while index < text.count {
            let byte = text[index]
            if byte.isDigit {
                if gap > 0 { groups += 1 }
                gap = 0
                digits += 1
                if digits > 5 || groups > 3 { return true }
            } else {
                gap += 1
                if gap > gapMax || !isSeparator(byte) { return false }
            }
            index += 1
        }
        return false
    }

    /// Whether the number is joined to one in front of it as to the one behind it: what is read
    /// from it on is a part of what was read from that one on.
    static func goesOn(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        let joint = text.at(end)
        guard isSeparator(joint), !standsApart(end - start, joint), text.at(start - 1) == joint,
            text.at(end + 1).isDigit,
            text.at(start - 2).isDigit
        else { return false }
        return isLong(text, before: start - 1, than: end - start)
    }

    /// So many digits with spaces around them are a number of their own: `200 4111111111111111 15`.
    static func standsApart(_ length: Int, _ separator: UInt8) -> Bool {
        length >= 13 && separator.isSpace
    }

    /// A group that ends before `end`, of three digits and letters at least or of this length: what
    /// is joined to it begins no number.
    static func isLong(_ text: Span<UInt8>, before end: Int, than length: Int) -> Bool {
        let count = end - text.start(of: end, atMost: 24) { $0.isWord }
        return count >= 3 || count == length
    }

    /// Where the numbers end that stand one behind the other from `start` on.
    static func listEnd(_ text: Span<UInt8>, from start: Int) -> Int {
        var index = start
        while true {
            let end = text.end(of: index) { $0.isDigit }
            if text.at(end).isLetter { return index }
            let next = text.end(of: end, atMost: gapMax) { isSeparator($0) }
            guard next > end, text.at(next).isDigit else { return end }
            index = next
        }
    }

    /// As in `(0) ` or ` / `: people write telephone numbers so, and nothing else.
    static let mixed: UInt8 = 1

    private(set) var digits = Digits()
    private let start: Int
    private var groups = InlineArray<20, Group>(repeating: Group())
    private(set) var count = 0
    /// How many groups from the first on have one separator between them.
    private var alikeCount = 1
    /// How many groups from the first on are as long as the first.
    private var evenCount = 1

    /// Behind `x12` of a telephone number.
    private var extensionEnd = 0

    init(_ text: Span<UInt8>, at start: Int) {
        self.start = start
        var position = start
        var separator: UInt8 = 0
        while count < Self.groupsMax {
            let end = text.end(of: position, atMost: Digits.countMax + 1) { $0.isDigit }
            if digits.count + end - position > Digits.countMax { break }
            if text.at(end).isLetter {
                // A letter right behind makes the group a part of some word; but `555-0143x12`.
                let isLast = digits.count > 2 && digits.count + end - position > 6
                guard isLast, text.at(end) == UInt8(ascii: "x"), text.at(end + 1).isDigit else {
                    break
                }
                extensionEnd = text.end(of: end + 1, atMost: 6) { $0.isDigit }
            }
            for index in position..<end { digits.append(text[index] - 0x30) }
            groups[count] = Group(
                start: UInt8(position - start), end: UInt8(end - start),
                digitsEnd: UInt8(digits.count), separator: separator)
            count += 1
            note(separator, end - position)
            if extensionEnd > 0 { break }
            let next = text.end(of: end, atMost: Self.gapMax) { Self.isSeparator($0) }
            guard next > end, text.at(next).isDigit else { break }
            separator = Self.kind(text, end, next)
            position = next
        }
    }

    /// Once for all questions about the first so many groups, of which there are many.
    private mutating func note(_ separator: UInt8, _ length: Int) {
        guard count > 1 else { return }
        if alikeCount == count - 1, separator == groups[1].separator { alikeCount = count }
        if evenCount == count - 1, length == self.length(0) { evenCount = count }
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "/"),
            UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "_"), UInt8(ascii: "\n"),
            UInt8(ascii: "\r"), UInt8(ascii: "\t"):
            true
        default: false
        }
    }

    private static func kind(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> UInt8 {
        if end - start == 2, text[start] == UInt8(ascii: "\r"),
            text[start + 1] == UInt8(ascii: "\n")
        {
            return UInt8(ascii: "\n")
        }
        var only = text[start]
        for index in start..<end where text[index] != only {
            // ` - ` is a dash with room around it.
            if only == 0x20, text[index] == UInt8(ascii: "-") {
                only = text[index]
            } else if only != UInt8(ascii: "-") || text[index] != 0x20 {
                return mixed
            }
        }
        return only
    }

    func end(_ group: Int) -> Int { start + Int(groups[group].end) }
    /// The end of the first `groupCount` groups as a telephone number.
    func phoneEnd(_ groupCount: Int) -> Int {
        groupCount == count && extensionEnd > 0 ? extensionEnd : end(groupCount - 1)
    }
    func digitsEnd(_ group: Int) -> Int { Int(groups[group].digitsEnd) }
    func joint(_ group: Int) -> UInt8 { groups[group].separator }
    func length(_ group: Int) -> Int { Int(groups[group].end &- groups[group].start) }

    /// Whether the first groups have exactly these lengths.
    func begins(
        _ first: Int, _ second: Int, _ third: Int = 0, _ fourth: Int = 0, _ fifth: Int = 0,
        _ sixth: Int = 0, _ seventh: Int = 0
    ) -> Bool {
        isGroup(0, first) && isGroup(1, second) && isGroup(2, third) && isGroup(3, fourth)
            && isGroup(4, fifth) && isGroup(5, sixth) && isGroup(6, seventh)
    }

    /// Zero stands for any.
    private func isGroup(_ group: Int, _ length: Int) -> Bool {
        length == 0 || group < count && self.length(group) == length
    }

    /// The one separator between the first `groupCount` groups; nil where it changes.
    func separator(of groupCount: Int) -> UInt8? {
        guard groupCount > 1, groupCount <= alikeCount else { return nil }
        return groups[1].separator == Self.mixed ? nil : groups[1].separator
    }

    /// Whether the number ends with its first `groupCount` groups: none follows that is joined to
    /// them as they are joined to each other.
    func isWhole(_ groupCount: Int) -> Bool {
        guard groupCount > 1, groupCount < count else { return true }
        return groups[groupCount].separator != groups[groupCount - 1].separator
    }

    /// `4111 1111-1111 1111`: four times four is so much of a card that its joints may differ.
    private var areFours: Bool {
        guard begins(4, 4, 4, 4) else { return false }
        for index in 1..<4 {
            let separator = groups[index].separator
            guard separator == 0x20 || separator == UInt8(ascii: "-") || separator == Self.mixed
            else { return false }
        }
        return true
    }

    /// Whether the first `groupCount` groups look like one number that was cut for reading: all
    /// but the last as long as each other, or as cards print them.
    func isCut(_ groupCount: Int) -> Bool {
        if groupCount == 1 { return true }
        if groupCount == 4, areFours { return true }
        guard separator(of: groupCount) != nil else { return false }
        // The oldest Visa numbers have thirteen digits.
        if groupCount == 4, begins(4, 4, 4, 1) { return true }
        let first = length(0)
        let last = length(groupCount - 1)
        if last > 8 || last < 2 && first > 1 { return false }
        if groupCount - 1 <= evenCount, groupCount == 2 || first <= 8 {
            return last <= max(first, 4) || groupCount == 3 && first == 4
        }
        return groupCount == 3 && first == 4 && (2...8).contains(length(1))
    }
}
