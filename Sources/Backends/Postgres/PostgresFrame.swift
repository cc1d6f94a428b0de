internal import CPostgres

/// One message of the server inside the buffer of its connection; valid while its handler runs.
@unsafe
struct PostgresFrame {
    let type: UInt8
    /// Without type and length.
    let body: UnsafeRawBufferPointer

    /// Big-endian; 0 beyond the end, which no valid message makes us read.
    func int16(at offset: Int) -> Int {
        guard unsafe offset + 2 <= body.count else { return 0 }
        let word = unsafe body.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
        return Int(Int16(bitPattern: UInt16(bigEndian: word)))
    }

    func int32(at offset: Int) -> Int {
        guard unsafe offset + 4 <= body.count else { return 0 }
        let word = unsafe body.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
        return Int(Int32(bitPattern: UInt32(bigEndian: word)))
    }

    /// A text that ends with a zero byte, and where the next field begins; nil without an end.
    func text(at offset: Int) -> (text: String, next: Int)? {
        guard unsafe offset < body.count,
            let end = unsafe body[offset...].firstIndex(of: 0)
        else { return nil }
        return (unsafe String(decoding: body[offset..<end], as: UTF8.self), end + 1)
    }

    /// SQLSTATE and severity of an error or notice; nothing else of it is ever read.
    var errorCode: (code: String, isFatal: Bool) {
        var offset = 0
        var code = ""
        var isFatal = false
        while unsafe offset < body.count, unsafe body[offset] != 0 {
            let field = unsafe body[offset]
            guard let (text, next) = unsafe self.text(at: offset + 1) else { break }
            if field == UInt8(ascii: "C") { code = text }
            // Not translated, in contrast to `S`.
            if field == UInt8(ascii: "V") {
                isFatal = text.utf8.count > 4 && !text.utf8.elementsEqual("ERROR".utf8)
            }
            offset = next
        }
        let isCode =
            code.utf8.count == 5
            && code.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) }
        return (isCode ? code : "XXXXX", isFatal)
    }

    /// The one value of a row of one.
    var onlyText: String? {
        guard unsafe int16(at: 0) == 1, unsafe body.count >= 6 else { return nil }
        let count = unsafe int32(at: 2)
        guard count >= 0, unsafe body.count == 6 + count else { return nil }
        return unsafe String(decoding: body[6...], as: UTF8.self)
    }

    /// The number at the end of `UPDATE 3` or `INSERT 0 3`.
    var changedCount: Int? {
        guard let (tag, _) = unsafe text(at: 0),
            let space = tag.utf8.lastIndex(of: 0x20)
        else { return nil }
        return Int(tag[tag.index(after: space)...])
    }
}
