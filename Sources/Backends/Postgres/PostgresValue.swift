internal import Enforcement
internal import JSON

/// Values as the server writes them (`ISO`, `iso_8601`, `hex`) → values of JSON. Exact: no digit is
/// read as a number anywhere.
enum PostgresValue {
    struct Cell {
        var kind: Rows.Kind
        var bytes: [UInt8]
    }

    /// How deep JSON from the database may be nested to be shown as JSON.
    static let depthMax = 48

    /// Nil for a text that the type cannot have.
    static func cell(_ text: UnsafeRawBufferPointer, _ form: PostgresForm) -> Cell? {
        guard unsafe isUTF8(text) else { return nil }
        let text = unsafe Array(text)
        switch form {
        case .integer: return Cell(kind: .number, bytes: text)
        case .number:
            let isNumber = unsafe text.withUnsafeBytes { unsafe self.isNumber($0) }
            return Cell(kind: isNumber ? .number : .text, bytes: text)
        case .bool: return Cell(kind: .bool, bytes: Array((text == [0x74] ? "true" : "false").utf8))
        case .text: return Cell(kind: .text, bytes: text)
        case .bytes: return bytea(text).map { Cell(kind: .text, bytes: $0) }
        case .timestamp: return Cell(kind: .text, bytes: timestamp(text))
        case .timestampWithZone: return Cell(kind: .text, bytes: timestampWithZone(text))
        case .binaryJSON:
            return depth(of: text) <= depthMax
                ? Cell(kind: .json, bytes: text) : Cell(kind: .text, bytes: text)
        case .typedJSON:
            // Names twice, or deeper than a reader may go: then it is shown as the text it is.
            let limits = JSONLimits(depth: depthMax)
            let isStrict = (try? JSONParser.parse(text, limits: limits)) != nil
            return isStrict
                ? Cell(kind: .json, bytes: oneLine(text)) : Cell(kind: .text, bytes: text)
        case .array, .composite:
            var writer = JSONWriter(reserving: text.count * 2)
            var reader = PostgresNested(text)
            guard reader.write(form, into: &writer) else { return nil }
            return Cell(kind: .json, bytes: writer.finish())
        }
    }

    @inline(__always)
    static func isUTF8(_ text: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        while text.count &- index >= 8 {
            let word = unsafe text.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if word & 0x8080_8080_8080_8080 != 0 { break }
            index &+= 8
        }
        while index < text.count, unsafe text[index] < 0x80 { index &+= 1 }
        if index == text.count { return true }
        let rest = unsafe UnsafeBufferPointer(
            rebasing: text.bindMemory(to: UInt8.self)[index...])
        return unsafe (try? UTF8Span(validating: Span(_unsafeElements: rest))) != nil
    }

    /// Whether it is not `NaN`, `Infinity` or `-Infinity`: all others of its type are numbers.
    @inline(__always)
    static func isNumber(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let last = unsafe text.last else { return false }
        return (0x30...0x39).contains(last)
    }

    /// Four digits of year, and the zone is UTC: by far the most frequent form.
    @inline(__always)
    static func isPlainUTC(_ text: UnsafeRawBufferPointer) -> Bool {
        let count = text.count
        return unsafe count >= 22 && text[4] == UInt8(ascii: "-") && text[10] == 0x20
            && text[count - 3] == UInt8(ascii: "+") && text[count - 2] == UInt8(ascii: "0")
            && text[count - 1] == UInt8(ascii: "0")
    }

    /// `T` between date and time; `infinity` and years before Christ stay as they are.
    static func timestamp(_ text: [UInt8]) -> [UInt8] {
        guard text.count >= 19, text[4] == UInt8(ascii: "-"), text[10] == 0x20,
            text.last != UInt8(ascii: "C")
        else { return text }
        var text = text
        text[10] = UInt8(ascii: "T")
        return text
    }

    /// `+00` is `Z`, `+01` is `+01:00`; an offset with seconds, which only times before time zones
    /// have, stays.
    static func timestampWithZone(_ text: [UInt8]) -> [UInt8] {
        var written = timestamp(text)
        guard written.count > 19, written[10] == UInt8(ascii: "T"),
            let sign = written[11...].lastIndex(where: {
                $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-")
            })
        else { return text }
        let zone = written[(sign + 1)...]
        if zone.elementsEqual("00".utf8) {
            written.replaceSubrange(sign..., with: "Z".utf8)
        } else if zone.count == 2 {
            written.append(contentsOf: ":00".utf8)
        }
        return written
    }

    /// `\x48656c6c6f` in base64.
    static func bytea(_ text: [UInt8]) -> [UInt8]? {
        guard text.starts(with: "\\x".utf8), text.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        for index in stride(from: 2, to: text.count, by: 2) {
            guard let high = nibble(text[index]), let low = nibble(text[index + 1]) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return Base64.encodedBytes(bytes)
    }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    /// Valid JSON has its line ends between values only, and a message over a pipe may have none.
    private static func oneLine(_ json: [UInt8]) -> [UInt8] {
        json.map { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") ? UInt8(ascii: " ") : $0 }
    }

    /// Of valid JSON.
    static func depth(of text: [UInt8]) -> Int {
        var depth = 0
        var deepest = 0
        var index = 0
        while index < text.count {
            switch text[index] {
            case UInt8(ascii: "\""):
                index += 1
                while index < text.count, text[index] != UInt8(ascii: "\"") {
                    index += text[index] == UInt8(ascii: "\\") ? 2 : 1
                }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            index += 1
        }
        return deepest
    }
}
