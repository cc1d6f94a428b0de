import JSON

/// A place in the bytes of a document, and the smallest pieces that stand there.
struct XMLCursor {
    struct QualifiedName: Equatable {
        let prefix: Name
        let local: Name
    }

    private let bytes: [UInt8]
    private var place = 0

    /// Checks that all of it is text that XML may hold, and makes one kind of line end (XML 1.0
    /// section 2.11).
    init(_ raw: [UInt8]) throws(XMLFault) {
        guard let text = String(validating: raw, as: UTF8.self),
            text.unicodeScalars.allSatisfy(Self.isCharacter)
        else { throw XMLFault("encoding") }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(raw.count)
        for (index, byte) in raw.enumerated() {
            if byte == 0x0A, index > 0, raw[index - 1] == 0x0D { continue }
            bytes.append(byte == 0x0D ? 0x0A : byte)
        }
        self.bytes = bytes
    }

    /// XML 1.0 section 2.2.
    private static func isCharacter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D, 0x20...0xFFFD, 0x10000...0x10FFFF: true
        default: false
        }
    }

    // MARK: Looking and stepping

    var isAtEnd: Bool { place == bytes.count }

    func isAt(_ text: StaticString) -> Bool {
        let rest = bytes[place...]
        return unsafe rest.starts(
            with: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func skip(_ text: StaticString) -> Bool {
        guard isAt(text) else { return false }
        place += text.utf8CodeUnitCount
        return true
    }

    /// False where there was none.
    @discardableResult mutating func skipSpace() -> Bool {
        let start = place
        while place < bytes.count,
            bytes[place] == 0x20 || bytes[place] == 0x09
                || bytes[place] == 0x0A
        { place += 1 }
        return place > start
    }

    /// What stands before `end`, which is skipped; nil where it does not come.
    mutating func take(until end: StaticString, atMost limit: Int) -> ArraySlice<UInt8>? {
        let start = place
        while !isAt(end) {
            guard place < bytes.count, place - start < limit else { return nil }
            place += 1
        }
        defer { place += end.utf8CodeUnitCount }
        return bytes[start..<place]
    }

    // MARK: Names and values

    mutating func name() throws(XMLFault) -> QualifiedName {
        let first = try part()
        guard skip(":") else { return QualifiedName(prefix: "", local: first) }
        return QualifiedName(prefix: first, local: try part())
    }

    private mutating func part() throws(XMLFault) -> Name {
        let start = place
        while place < bytes.count, Self.isNameByte(bytes[place], isFirst: place == start) {
            place += 1
        }
        guard place > start, place - start <= XMLReader.nameBytesMax else { throw XMLFault("name") }
        return Name(String(decoding: bytes[start..<place], as: UTF8.self))
    }

    private static func isNameByte(_ byte: UInt8, isFirst: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "_"):
            true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."): !isFirst
        default: false
        }
    }

    mutating func attribute() throws(XMLFault) -> (QualifiedName, String) {
        let name = try name()
        skipSpace()
        guard skip("=") else { throw XMLFault("attribute") }
        skipSpace()
        let value: String
        if skip("\"") {
            value = try text(until: "\"", isAttribute: true)
            guard skip("\"") else { throw XMLFault("attribute") }
        } else if skip("'") {
            value = try text(until: "'", isAttribute: true)
            guard skip("'") else { throw XMLFault("attribute") }
        } else {
            throw XMLFault("attribute")
        }
        return (name, value)
    }

    /// Up to `end`, which stays, or the end of the document.
    mutating func text(
        until end: Unicode.Scalar, isAttribute: Bool = false
    ) throws(XMLFault) -> String {
        var text: [UInt8] = []
        let stop = UInt8(ascii: end)
        while place < bytes.count, bytes[place] != stop {
            let byte = bytes[place]
            if byte == UInt8(ascii: "&") {
                text += try reference()
                continue
            }
            if byte == UInt8(ascii: "<") { throw XMLFault("attribute") }
            if !isAttribute, isAt("]]>") { throw XMLFault("text") }
            // XML 1.0 section 3.3.3: what is written as white space is a blank.
            text.append(isAttribute && (byte == 0x09 || byte == 0x0A) ? 0x20 : byte)
            place += 1
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// One of the five, or a character by its number.
    private mutating func reference() throws(XMLFault) -> [UInt8] {
        place += 1
        guard let name = take(until: ";", atMost: 10) else { throw XMLFault("entity") }
        switch Name(String(decoding: name, as: UTF8.self)) {
        case "lt": return [UInt8(ascii: "<")]
        case "gt": return [UInt8(ascii: ">")]
        case "amp": return [UInt8(ascii: "&")]
        case "quot": return [UInt8(ascii: "\"")]
        case "apos": return [UInt8(ascii: "'")]
        default: break
        }
        var digits = name.dropFirst()
        guard name.first == UInt8(ascii: "#") else { throw XMLFault("entity") }
        let isHex = digits.first == UInt8(ascii: "x")
        if isHex { digits = digits.dropFirst() }
        // `Int` would take a sign.
        guard digits.first.map({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }) == true,
            let number = UInt32(String(decoding: digits, as: UTF8.self), radix: isHex ? 16 : 10),
            let scalar = Unicode.Scalar(number), Self.isCharacter(scalar)
        else { throw XMLFault("entity") }
        return Array(String(Character(scalar)).utf8)
    }
}
