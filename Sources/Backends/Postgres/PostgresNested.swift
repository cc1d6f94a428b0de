internal import Enforcement
internal import JSON

/// Arrays `{1,NULL,"a b"}` and rows `(1,,"a b")`, in one another, as JSON.
///
/// Nesting is bounded by what was examined: a form is never deeper than its type, and an array has
/// at most six dimensions.
struct PostgresNested {
    private let text: [UInt8]
    private var position = 0

    init(_ text: [UInt8]) { self.text = text }

    /// False for a text that the type cannot have.
    mutating func write(_ form: PostgresForm, into writer: inout JSONWriter) -> Bool {
        switch form {
        case .array(let element, let delimiter):
            skipBounds()
            return writeArray(element, delimiter, dimensions: 6, into: &writer)
                && position == text.count
        case .composite(let fields):
            return writeRow(fields, into: &writer) && position == text.count
        default: return Self.write(text, form, into: &writer)
        }
    }

    private var current: UInt8? { position < text.count ? text[position] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        return true
    }

    /// `[2:3]={…}`: where the numbers of the elements begin, which JSON has no word for.
    private mutating func skipBounds() {
        guard current == UInt8(ascii: "["), let equals = text.firstIndex(of: UInt8(ascii: "="))
        else { return }
        position = equals + 1
    }

    private mutating func writeArray(
        _ element: PostgresForm, _ delimiter: UInt8, dimensions: Int,
        into writer: inout JSONWriter
    ) -> Bool {
        guard dimensions > 0, take(UInt8(ascii: "{")) else { return false }
        writer.beginArray()
        defer { writer.endArray() }
        if take(UInt8(ascii: "}")) { return true }
        repeat {
            let isWritten =
                current == UInt8(ascii: "{")
                ? writeArray(element, delimiter, dimensions: dimensions - 1, into: &writer)
                : writeElement(element, ends: [delimiter, UInt8(ascii: "}")], into: &writer)
            guard isWritten else { return false }
        } while take(delimiter)
        return take(UInt8(ascii: "}"))
    }

    private mutating func writeElement(
        _ form: PostgresForm, ends: [UInt8], into writer: inout JSONWriter
    ) -> Bool {
        guard let (value, isQuoted) = element(ends: ends) else { return false }
        if !isQuoted, value.elementsEqual("NULL".utf8) {
            writer.null()
            return true
        }
        return Self.write(value, form, into: &writer)
    }

    private mutating func writeRow(
        _ fields: [PostgresField], into writer: inout JSONWriter
    ) -> Bool {
        guard take(UInt8(ascii: "(")) else { return false }
        writer.beginObject()
        defer { writer.endObject() }
        for (index, field) in fields.enumerated() {
            guard index == 0 || take(UInt8(ascii: ",")),
                let (value, isQuoted) = element(ends: [UInt8(ascii: ","), UInt8(ascii: ")")])
            else { return false }
            writer.name(field.name)
            if value.isEmpty, !isQuoted {
                writer.null()
            } else if !Self.write(value, field.form, into: &writer) {
                return false
            }
        }
        return take(UInt8(ascii: ")"))
    }

    /// Quotes are doubled or escaped inside quotes, and a value may be quoted in part.
    private mutating func element(ends: [UInt8]) -> (value: [UInt8], isQuoted: Bool)? {
        var value: [UInt8] = []
        var isQuoted = false
        var isInside = false
        while let byte = current {
            if !isInside, ends.contains(byte) { return (value, isQuoted) }
            position += 1
            switch byte {
            case UInt8(ascii: "\\"):
                guard let next = current else { return nil }
                value.append(next)
                position += 1
            case UInt8(ascii: "\""):
                if isInside, current == UInt8(ascii: "\"") {
                    value.append(byte)
                    position += 1
                } else {
                    isInside.toggle()
                    isQuoted = true
                }
            default: value.append(byte)
            }
        }
        return nil
    }

    private static func write(
        _ text: [UInt8], _ form: PostgresForm, into writer: inout JSONWriter
    ) -> Bool {
        switch form {
        case .array, .composite:
            var nested = PostgresNested(text)
            return nested.write(form, into: &writer)
        default:
            guard let cell = unsafe text.withUnsafeBytes({ unsafe PostgresValue.cell($0, form) })
            else { return false }
            switch cell.kind {
            case .text: writer.string(utf8: cell.bytes.span)
            case .null: writer.null()
            case .number, .bool, .json: writer.raw(cell.bytes)
            }
            return true
        }
    }
}
