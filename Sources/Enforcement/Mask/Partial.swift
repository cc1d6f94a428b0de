/// Enough of a value to recognise it, too little to use it.
enum Partial {
    static let stars = 3

    static func masked(_ value: ArraySlice<UInt8>) -> [UInt8] {
        let shown = shown(of: value.span)
        return value.prefix(shown.head) + [UInt8](repeating: UInt8(ascii: "*"), count: stars)
            + value.dropFirst(shown.tailStart)
    }

    /// So many bytes at its start, and those from `tailStart` on. `ada@example.com` keeps its first
    /// letter and its domain; anything else of at least eight characters keeps its last four; less
    /// keeps nothing.
    static func shown(of value: Span<UInt8>) -> (head: Int, tailStart: Int) {
        var at = value.count - 1
        while at > 0, value[at] != UInt8(ascii: "@") { at -= 1 }
        if at > 0, isDomain(value.extracting((at + 1)...)) {
            return (value[0] < 0x80 ? 1 : 0, at)
        }
        var start = value.count
        var characters = 0
        for index in value.indices.reversed() where value[index] & 0xC0 != 0x80 {
            characters += 1
            if characters == 4 { start = index }
            if characters == 8 { return (0, start) }
        }
        return (0, value.count)
    }

    /// Without this `p@ssword` would show all but nothing. Two labels at least, none empty.
    private static func isDomain(_ text: Span<UInt8>) -> Bool {
        var dots = 0
        var length = 0
        for index in text.indices {
            let byte = text[index]
            if byte == UInt8(ascii: ".") {
                if length == 0 { return false }
                dots += 1
                length = 0
            } else {
                guard byte.isWord || byte == UInt8(ascii: "-") || byte >= 0x80 else { return false }
                length += 1
            }
        }
        return dots > 0 && length > 0
    }
}
