/// Texts of one column in which nothing was found, so that those that stand there again and again,
/// as names of states, towns and people do, are not read again.
///
/// One place for all texts of the same hash: the last one holds it. A text is known by its bytes,
/// never by its hash alone.
struct CleanTexts {
    /// Where there are fewer rows, few are the same.
    private static let rowsMin = 256
    /// Longer ones are seldom the same.
    private static let bytesMax: Int32 = 64
    private static let placeBits = 10

    private struct Known {
        var start: Int32 = 0
        /// 0 where there is none.
        var count: Int32 = 0
    }

    private var known: [Known] = []
    /// The place of the text that was asked for last.
    private var place = -1

    init(rowCount: Int) {
        if rowCount >= Self.rowsMin {
            known = [Known](repeating: Known(), count: 1 << Self.placeBits)
        }
    }

    mutating func hold(_ text: Rows.Cell, of rows: borrowing Rows) -> Bool {
        place = -1
        guard !known.isEmpty, text.count > 0, text.count <= Self.bytesMax else { return false }
        let bytes = rows.bytes.span
        let own = bytes.extracting(Int(text.start)..<Int(text.start + text.count))
        place = Self.place(of: own)
        let other = known[place]
        guard other.count == text.count else { return false }
        return own.isSame(as: bytes.extracting(Int(other.start)..<Int(other.start + other.count)))
    }

    /// Nothing was found in the text that was asked for last.
    mutating func note(_ text: Rows.Cell) {
        if place >= 0 { known[place] = Known(start: text.start, count: text.count) }
    }

    private static func place(of text: Span<UInt8>) -> Int {
        var hash = UInt64(text.count)
        var index = 0
        while text.count - index >= 8 {
            hash = mixed(hash, text.word(at: index))
            index += 8
        }
        if text.count >= 8 {
            hash = mixed(hash, text.word(at: text.count - 8))
        } else {
            for index in index..<text.count { hash = mixed(hash, UInt64(text[index])) }
        }
        return Int(hash >> UInt64(64 - placeBits))
    }

    @inline(__always)
    private static func mixed(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        let sum = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
        return sum ^ sum >> 29
    }
}

extension Span<UInt8> {
    fileprivate func isSame(as other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        var index = 0
        while count - index >= 8 {
            if word(at: index) != other.word(at: index) { return false }
            index += 8
        }
        while index < count {
            if self[index] != other[index] { return false }
            index += 1
        }
        return true
    }
}
