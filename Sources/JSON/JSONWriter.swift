/// Writes JSON into one growing buffer of bytes, without a tree in between.
///
/// The writer places commas; the caller balances `begin…` and `end…`.
package struct JSONWriter: ~Copyable {
    package private(set) var bytes: [UInt8]
    private var needsComma = false
    /// What came before `bytes`, where pieces are wanted.
    private var pieces: [[UInt8]] = []
    private var pieceBytes = 0

    package init(reserving capacity: Int = 256) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// For large documents, in pieces of about so many bytes: nothing is moved to make room for
    /// more, and each piece can go as soon as it was sent. Only `write(atMost:)` begins a new one.
    package init(reserving capacity: Int, inPiecesOf pieceBytes: Int) {
        self.init(reserving: min(capacity, pieceBytes))
        self.pieceBytes = pieceBytes
    }

    package consuming func finish() -> [UInt8] {
        pieces.isEmpty ? bytes : finishInPieces().inOnePiece
    }

    package consuming func finishInPieces() -> [[UInt8]] { pieces + [bytes] }

    package mutating func beginObject() { open(UInt8(ascii: "{")) }
    package mutating func endObject() { close(UInt8(ascii: "}")) }
    package mutating func beginArray() { open(UInt8(ascii: "[")) }
    package mutating func endArray() { close(UInt8(ascii: "]")) }

    package mutating func name(_ name: String) {
        separate()
        appendQuoted(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    package mutating func null() { raw("null") }
    package mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }
    package mutating func int(_ value: some FixedWidthInteger) { raw(String(value)) }
    package mutating func number(_ value: JSONNumber) { raw(value.text) }

    package mutating func string(_ text: String) {
        separate()
        appendQuoted(text)
        needsComma = true
    }

    /// `bytes` must be well-formed UTF-8.
    package mutating func string(utf8 bytes: ArraySlice<UInt8>) {
        string(utf8: bytes.span)
    }

    /// `bytes` must be well-formed UTF-8.
    package mutating func string(utf8 bytes: Span<UInt8>) {
        separate()
        appendQuoted(bytes)
        needsComma = true
    }

    /// `bytes` must have the grammar of a JSON number.
    package mutating func rawNumber(_ bytes: ArraySlice<UInt8>) {
        separate()
        self.bytes.append(contentsOf: bytes)
        needsComma = true
    }

    /// A JSON document as the content of a string, as MCP wants it in a text block.
    package mutating func quotedJSON(_ bytes: [UInt8]) {
        string(utf8: bytes.span)
    }

    /// `text` must be one whole JSON value.
    package mutating func raw(_ text: String) {
        separate()
        bytes.append(contentsOf: text.utf8)
        needsComma = true
    }

    /// `json` must be one whole JSON value.
    package mutating func raw(_ json: [UInt8]) {
        separate()
        bytes.append(contentsOf: json)
        needsComma = true
    }

    /// A value that the caller writes in parts, with `write(atMost:)`.
    package mutating func valueInParts(_ body: (inout JSONWriter) -> Void) {
        separate()
        body(&self)
        needsComma = true
    }

    mutating func appendBytes(
        atMost capacity: Int, _ body: (UnsafeMutableBufferPointer<UInt8>) -> Int
    ) {
        if pieceBytes > 0, bytes.capacity - bytes.count < capacity, !bytes.isEmpty {
            pieces.append(bytes)
            bytes = []
            bytes.reserveCapacity(max(capacity, pieceBytes))
        }
        bytes.append(addingCapacity: capacity) { output in
            unsafe output.withUnsafeMutableBufferPointer { buffer, count in
                unsafe count += body(UnsafeMutableBufferPointer(rebasing: buffer[count...]))
            }
        }
    }

    package mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .number(let value): number(value)
        case .string(let text): string(text)
        case .array(let values):
            beginArray()
            for value in values { self.value(value) }
            endArray()
        case .object(let object):
            beginObject()
            for member in object.members {
                name(member.name)
                self.value(member.value)
            }
            endObject()
        }
    }

    package mutating func member(_ name: String, _ text: String) {
        self.name(name)
        string(text)
    }

    package mutating func member(_ name: String, _ value: some FixedWidthInteger) {
        self.name(name)
        int(value)
    }

    package mutating func member(_ name: String, _ value: Bool) {
        self.name(name)
        bool(value)
    }

    package mutating func member(_ name: String, _ value: JSONValue) {
        self.name(name)
        self.value(value)
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func appendQuoted(_ text: String) {
        appendQuoted(text.utf8.span)
    }

    private mutating func appendQuoted(_ text: Span<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        var runStart = 0
        while true {
            let runEnd = text.firstSpecialByte(from: runStart)
            append(text.extracting(runStart..<runEnd))
            guard runEnd < text.count else { break }
            appendEscape(of: text[runEnd])
            runStart = runEnd &+ 1
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func append(_ run: Span<UInt8>) {
        // The buffer is only lent to the copy.
        unsafe run.withUnsafeBufferPointer { run in unsafe bytes.append(contentsOf: run) }
    }

    /// RFC 8259 section 7 demands these and no others; what need not be escaped stays as it is.
    private mutating func appendEscape(of byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0..<0x20:
            let low = byte & 15
            bytes.append(UInt8(ascii: "u"))
            bytes.append(UInt8(ascii: "0"))
            bytes.append(UInt8(ascii: "0"))
            bytes.append(UInt8(ascii: "0") + byte >> 4)
            bytes.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        default: bytes.append(byte)
        }
    }
}

extension JSONValue {
    /// The document in its most compact form.
    package var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.value(self)
        return writer.finish()
    }

    package var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension [[UInt8]] {
    /// For whoever cannot take a document in pieces.
    package var inOnePiece: [UInt8] { count == 1 ? self[0] : [UInt8](joined()) }
}
