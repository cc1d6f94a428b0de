/// What one reading of a text tells: whether JSON has it as it stands between two quotes, and
/// whether it is ASCII, and so UTF-8 without another look.
@usableFromInline
package struct ByteLook {
    @usableFromInline package let isPlain: Bool
    @usableFromInline package let isASCII: Bool

    @inlinable static var ones: UInt64 { 0x0101_0101_0101_0101 }

    /// Eight bytes at once, the last ones together with some before or behind them: most texts are
    /// a few words long.
    @inlinable @inline(__always)
    package init(_ whole: UnsafeRawBufferPointer, from start: Int, count: Int) {
        precondition(start >= 0 && count >= 0 && count <= whole.count &- start)
        var special: UInt64 = 0
        var high: UInt64 = 0
        if count >= 8 {
            var index = start
            let last = start &+ count &- 8
            while index < last {
                let word = unsafe whole.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                special |= Self.special(word)
                high |= word
                index &+= 8
            }
            let word = unsafe whole.loadUnaligned(fromByteOffset: last, as: UInt64.self)
            special |= Self.special(word)
            high |= word
        } else if whole.count &- start >= 8 {
            // Spaces stand for what is behind it.
            let behind = ~(0 as UInt64) << UInt64(truncatingIfNeeded: 8 &* count)
            let word = unsafe whole.loadUnaligned(fromByteOffset: start, as: UInt64.self)
            let own = UInt64(littleEndian: word) & ~behind | (Self.ones &* 0x20) & behind
            special = Self.special(own)
            high = own
        } else {
            for index in start..<(start &+ count) {
                let word = unsafe UInt64(whole[index]) | Self.ones &* 0x20 << 8
                special |= Self.special(word)
                high |= word
            }
        }
        isPlain = special & Self.ones << 7 == 0
        isASCII = high & Self.ones << 7 == 0
    }

    /// Has the highest bit of some byte where a byte is a quote, a backslash or a control
    /// character, and of none where none is: subtraction borrows into the highest bit of a byte
    /// that is below the operand.
    @inlinable @inline(__always)
    static func special(_ word: UInt64) -> UInt64 {
        let quotes = word ^ (ones &* 0x22)
        let backslashes = word ^ (ones &* 0x5C)
        return (word &- ones &* 0x20) & ~word | (quotes &- ones) & ~quotes
            | (backslashes &- ones) & ~backslashes
    }
}
