/// Digits in groups, as they stand in a text: `4111 1111 1111 1111`, `(212) 555-0143`.
///
/// Bounded: at most 20 groups and 32 digits, so that a text of nothing but numbers costs a
/// constant for each of them.
struct NumberRun {
    struct Group {
        private let start32: Int32
        private let end32: Int32
        private let digitsEnd8: UInt8
        /// The byte before it; `mixed` for several different ones.
        let separator: UInt8

        init(start: Int = 0, end: Int = 0, digitsEnd: Int = 0, separator: UInt8 = 0) {
            start32 = Int32(truncatingIfNeeded: start)
            end32 = Int32(truncatingIfNeeded: end)
            digitsEnd8 = UInt8(truncatingIfNeeded: digitsEnd)
            self.separator = separator
        }

        var start: Int { Int(start32) }
        var end: Int { Int(end32) }
        /// How many digits the run has up to the end of this group.
        var digitsEnd: Int { Int(digitsEnd8) }
    }

    static let groupsMax = 20

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
                if gap > 4 || !isSeparator(byte) { return false }
            }
            index += 1
        }
        return false
    }

    /// As in `(0) ` or ` / `: people write telephone numbers so, and nothing else.
    static let mixed: UInt8 = 1

    private(set) var digits = Digits()
    private(set) var groups = InlineArray<20, Group>(repeating: Group())
    private(set) var count = 0
    /// How many groups from the first on have one separator between them.
    private var alikeCount = 1
    /// How many groups from the first on are as long as the first.
    private var evenCount = 1

    init(_ text: Span<UInt8>, at start: Int) {
        var position = start
        var separator: UInt8 = 0
        while count < Self.groupsMax {
            let end = text.end(of: position, atMost: Digits.countMax + 1) { $0.isDigit }
            // A letter right behind makes the group a part of some word.
            if text.at(end).isLetter || digits.count + end - position > Digits.countMax { break }
            for index in position..<end { digits.append(text[index] - 0x30) }
            groups[count] = Group(
                start: position, end: end, digitsEnd: digits.count, separator: separator)
            count += 1
            note(separator, end - position)
            let next = text.end(of: end, atMost: 4) { Self.isSeparator($0) }
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

    func length(_ group: Int) -> Int { groups[group].end - groups[group].start }

    /// Whether the first groups have exactly these lengths.
    func begins(_ lengths: Int...) -> Bool {
        guard count >= lengths.count else { return false }
        return lengths.indices.allSatisfy { length($0) == lengths[$0] }
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
            guard separator == 0x20 || separator == UInt8(ascii: "-") else { return false }
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
