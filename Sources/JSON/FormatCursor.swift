/// Reads the text of a format piece by piece.
struct FormatCursor {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)[...]
        position = 0
    }

    var isAtEnd: Bool { position == bytes.endIndex }
    var next: UInt8? { isAtEnd ? nil : bytes[position] }
    var rest: ArraySlice<UInt8> { bytes[position...] }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard let next, UInt32(next) == character.value else { return false }
        position += 1
        return true
    }

    /// In ASCII, either case.
    mutating func takeLetter(_ letter: Unicode.Scalar) -> Bool {
        guard let next, UInt32(next | 0x20) == letter.value else { return false }
        position += 1
        return true
    }

    /// Exactly so many digits.
    mutating func digits(_ count: Int) -> Int? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy({ $0 &- 0x30 < 10 }) else { return nil }
        position += count
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    /// As many as there are; false when there is none.
    mutating func someDigits() -> Bool {
        let count = rest.prefix { $0 &- 0x30 < 10 }.count
        position += count
        return count > 0
    }
}
