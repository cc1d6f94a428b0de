/// Writes pieces of JSON into room of which the caller has said how much it is: for large tables,
/// where growing for each piece would cost more than the piece. Stops the process beyond its room.
@safe
package struct JSONPen {
    private let room: UnsafeMutableBufferPointer<UInt8>
    fileprivate var count = 0

    fileprivate init(_ room: UnsafeMutableBufferPointer<UInt8>) { unsafe self.room = room }

    /// The most that pieces of so many bytes become, escaped twice, each between quotes:
    /// `\\\\u001f` for one byte.
    @inline(__always)
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

    @inline(__always)
    package mutating func byte(_ byte: UInt8) {
        unsafe precondition(count < room.count)
        unsafe room[count] = byte
        count &+= 1
    }

    @inline(__always)
    package mutating func copy(_ piece: UnsafeRawBufferPointer) {
        guard let from = piece.baseAddress, let to = unsafe room.baseAddress else { return }
        unsafe precondition(piece.count <= room.count &- count)
        unsafe ShortCopy.copy(from, to: UnsafeMutableRawPointer(to + count), piece.count)
        count &+= piece.count
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
