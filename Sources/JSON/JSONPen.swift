/// Writes pieces of JSON into room of which the caller has said how much it is: for large tables,
/// where growing for each piece would cost more than the piece. Stops the process beyond its room.
@safe @usableFromInline
package struct JSONPen {
    @usableFromInline let room: UnsafeMutableBufferPointer<UInt8>
    @usableFromInline var count = 0

    fileprivate init(_ room: UnsafeMutableBufferPointer<UInt8>) { unsafe self.room = room }

    /// The most that pieces of so many bytes become, escaped twice, each between quotes:
    /// `\\\\u001f` for one byte.
    @inlinable @inline(__always)
    package static func bytesMax(_ byteCount: Int, pieces: Int = 1) -> Int {
        7 * byteCount + 4 * pieces
    }

    /// The same for one piece, counted where that would be much.
    package static func bytesMax(for content: UnsafeRawBufferPointer) -> Int {
        guard content.count > 1_024 else { return bytesMax(content.count) }
        var special = 0
        for index in 0..<content.count {
            let byte = unsafe content[index]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                special += 1
            }
        }
        return content.count + 6 * special + 4
    }

    @inlinable @inline(__always)
    package mutating func byte(_ byte: UInt8) {
        unsafe precondition(count < room.count)
        unsafe room[count] = byte
        count &+= 1
    }

    @inlinable @inline(__always)
    package mutating func null() {
        unsafe precondition(room.count &- count >= 4)
        guard let to = unsafe room.baseAddress else { return }
        let word = UInt32(bigEndian: 0x6E75_6C6C)
        unsafe UnsafeMutableRawPointer(to + count).storeBytes(of: word, as: UInt32.self)
        count &+= 4
    }

    @inlinable @inline(__always)
    package mutating func copy(_ piece: UnsafeRawBufferPointer) {
        unsafe copy(piece, from: 0, count: piece.count)
    }

    /// A part of a larger buffer: a short one is copied as two words of a fixed size, together with
    /// what stands behind it, over which the next piece is written.
    @inlinable @inline(__always)
    package mutating func copy(
        _ whole: UnsafeRawBufferPointer, from start: Int, count pieceCount: Int
    ) {
        if unsafe start >= 0 && UInt(bitPattern: pieceCount) <= 32
            && whole.count &- start >= 32 && room.count &- count >= 32,
            let from = whole.baseAddress, let to = unsafe room.baseAddress
        {
            let target = unsafe UnsafeMutableRawPointer(to + count)
            let head = unsafe from.loadUnaligned(fromByteOffset: start, as: SIMD16<UInt8>.self)
            let tail = unsafe from.loadUnaligned(
                fromByteOffset: start &+ 16, as: SIMD16<UInt8>.self)
            unsafe target.storeBytes(of: head, as: SIMD16<UInt8>.self)
            unsafe target.storeBytes(of: tail, toByteOffset: 16, as: SIMD16<UInt8>.self)
            count &+= pieceCount
        } else {
            unsafe copyExactly(whole, from: start, count: pieceCount)
        }
    }

    @usableFromInline
    mutating func copyExactly(
        _ whole: UnsafeRawBufferPointer, from start: Int, count pieceCount: Int
    ) {
        unsafe precondition(
            start >= 0 && pieceCount >= 0 && pieceCount <= whole.count &- start
                && pieceCount <= room.count &- count)
        guard let from = whole.baseAddress, let to = unsafe room.baseAddress else { return }
        unsafe ShortCopy.copy(
            from + start, to: UnsafeMutableRawPointer(to + count), pieceCount)
        count &+= pieceCount
    }

    /// A part of a larger buffer of which `ByteLook` says that it is plain, between quotes.
    @inlinable @inline(__always)
    package mutating func plain(
        _ whole: UnsafeRawBufferPointer, from start: Int, count: Int, inString: Bool
    ) {
        quote(inString: inString)
        unsafe copy(whole, from: start, count: count)
        quote(inString: inString)
    }

    /// Two bytes are written in any case; the next piece is written over the second.
    @inlinable @inline(__always)
    mutating func quote(inString: Bool) {
        unsafe precondition(room.count &- count >= 2)
        guard let to = unsafe room.baseAddress else { return }
        let word: UInt16 = inString ? 0x225C : 0x22
        unsafe UnsafeMutableRawPointer(to + count).storeBytes(
            of: UInt16(littleEndian: word), as: UInt16.self)
        count &+= inString ? 2 : 1
    }

    /// A text between quotes. `inString`: inside a document that is itself the content of a string,
    /// where every quote and backslash is escaped once more.
    package mutating func string(_ content: UnsafeRawBufferPointer, inString: Bool) {
        if inString { byte(UInt8(ascii: "\\")) }
        byte(UInt8(ascii: "\""))
        unsafe pieces(content) { pen, byte in
            pen.escape(byte, again: inString)
        }
        if inString { byte(UInt8(ascii: "\\")) }
        byte(UInt8(ascii: "\""))
    }

    /// A document as a part of a string.
    package mutating func escaped(_ document: UnsafeRawBufferPointer) {
        unsafe pieces(document) { pen, byte in pen.escape(byte, again: false) }
    }

    @inline(__always)
    private mutating func pieces(
        _ content: UnsafeRawBufferPointer, _ special: (inout JSONPen, UInt8) -> Void
    ) {
        let bytes = unsafe Span<UInt8>(_unsafeBytes: content)
        var start = 0
        while true {
            let end = bytes.firstSpecialByte(from: start)
            unsafe copy(UnsafeRawBufferPointer(rebasing: content[start..<end]))
            guard end < bytes.count else { return }
            special(&self, bytes[end])
            start = end &+ 1
        }
    }

    private mutating func escape(_ byte: UInt8, again: Bool) {
        let letter: UInt8
        switch byte {
        case 0x08: letter = UInt8(ascii: "b")
        case 0x09: letter = UInt8(ascii: "t")
        case 0x0A: letter = UInt8(ascii: "n")
        case 0x0C: letter = UInt8(ascii: "f")
        case 0x0D: letter = UInt8(ascii: "r")
        case 0..<0x20: letter = UInt8(ascii: "u")
        default: letter = byte
        }
        self.byte(UInt8(ascii: "\\"))
        if again { self.byte(UInt8(ascii: "\\")) }
        if again, byte >= 0x20 { self.byte(UInt8(ascii: "\\")) }
        self.byte(letter)
        guard letter == UInt8(ascii: "u"), byte < 0x20 else { return }
        let low = byte & 15
        self.byte(UInt8(ascii: "0"))
        self.byte(UInt8(ascii: "0"))
        self.byte(UInt8(ascii: "0") + byte >> 4)
        self.byte(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
    }
}

extension JSONWriter {
    /// One whole value, or a part of one, of at most `capacity` bytes.
    package mutating func write(atMost capacity: Int, _ body: (inout JSONPen) -> Void) {
        unsafe appendBytes(atMost: capacity) { buffer in
            var pen = unsafe JSONPen(buffer)
            body(&pen)
            return pen.count
        }
    }
}
