import EventLoop

/// What `Content-Type` and `Accept` say (RFC 9110 sections 8.3 and 12.5.1).
enum MediaTypes {
    static let json: StaticString = "application/json"
    static let eventStream: StaticString = "text/event-stream"

    /// JSON in UTF-8, the only form that is read here: any other charset would give the same bytes
    /// a second meaning. Parameters beside it are no business of ours.
    static func isJSON(_ headers: HTTPHeaders) -> Bool {
        guard let value = headers.bytes("content-type") else { return false }
        if equal(value, json) { return true }
        guard headers.values("content-type").count == 1 else { return false }
        let parts = split(value, at: UInt8(ascii: ";"))
        guard let first = parts.first, equal(first, json) else { return false }
        var charsets = 0
        for part in parts.dropFirst() where !part.isEmpty {
            guard let (name, text) = parameter(part) else { return false }
            guard equal(name, "charset") else { continue }
            charsets += 1
            guard charsets == 1, equal(text, "utf-8") else { return false }
        }
        return true
    }

    static func isForm(_ headers: HTTPHeaders) -> Bool {
        guard headers.values("content-type").count == 1, isPlain(headers),
            let value = headers.bytes("content-type")
        else { return false }
        let parts = split(value, at: UInt8(ascii: ";"))
        return parts.first.map { equal($0, "application/x-www-form-urlencoded") } ?? false
    }

    /// Who decodes a body on the way would read another one than we do.
    static func isPlain(_ headers: HTTPHeaders) -> Bool {
        headers.values("content-encoding").allSatisfy { $0.lowercased() == "identity" }
    }

    /// Which of the two forms of an answer a client takes. Who says nothing takes anything.
    struct Accepted {
        var json = true
        var eventStream = true

        init(_ headers: HTTPHeaders) {
            guard let value = headers.bytes("accept") else { return }
            // What both official SDKs send, word for word.
            if value.elementsEqual("application/json, text/event-stream".utf8) { return }
            let values = headers.values("accept")
            let all = values.count == 1 ? value : Array(values.joined(separator: ",").utf8)[...]
            let ranges = split(all, at: UInt8(ascii: ",")).map { split($0, at: UInt8(ascii: ";")) }
            json = MediaTypes.accepts(ranges, MediaTypes.json, "application/*")
            eventStream = MediaTypes.accepts(ranges, MediaTypes.eventStream, "text/*")
        }
    }

    /// The most exact range decides: `text/*;q=0, text/event-stream` takes event streams.
    private static func accepts(
        _ ranges: [[ArraySlice<UInt8>]], _ type: StaticString, _ family: StaticString
    ) -> Bool {
        for wanted in [type, family, "*/*"] {
            let named = ranges.filter { range in range.first.map { equal($0, wanted) } ?? false }
            if !named.isEmpty { return named.contains { !isRefused($0) } }
        }
        return false
    }

    /// `q=0` in any of its forms; a weight that cannot be read is none.
    private static func isRefused(_ range: [ArraySlice<UInt8>]) -> Bool {
        range.dropFirst().contains { part in
            guard let (name, text) = parameter(part), equal(name, "q"), let first = text.first,
                first == UInt8(ascii: "0")
            else { return false }
            return text.dropFirst().allSatisfy {
                $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: ".")
            }
        }
    }

    // MARK: Syntax

    /// The parts between separators that stand outside quotes, without white space around them.
    private static func split(
        _ bytes: ArraySlice<UInt8>, at separator: UInt8
    ) -> [ArraySlice<UInt8>] {
        var parts: [ArraySlice<UInt8>] = []
        var start = bytes.startIndex
        var isQuoted = false
        var isEscaped = false
        for index in bytes.indices {
            let byte = bytes[index]
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if isQuoted {
                isEscaped = byte == UInt8(ascii: "\\")
            } else if byte == separator {
                parts.append(trimmed(bytes[start..<index]))
                start = index + 1
            }
        }
        parts.append(trimmed(bytes[start...]))
        return parts
    }

    private static func parameter(
        _ part: ArraySlice<UInt8>
    ) -> (name: ArraySlice<UInt8>, text: ArraySlice<UInt8>)? {
        guard let sign = part.firstIndex(of: UInt8(ascii: "=")), sign > part.startIndex else {
            return nil
        }
        let name = part[..<sign]
        var text = part[(sign + 1)...]
        if text.first == UInt8(ascii: "\"") {
            guard text.count >= 2, text.last == UInt8(ascii: "\"") else { return nil }
            text = text.dropFirst().dropLast()
        }
        guard !text.isEmpty, !name.contains(where: isSpace), !text.contains(where: isSpace) else {
            return nil
        }
        return (name, text)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let first = bytes.first, isSpace(first) { bytes.removeFirst() }
        while let last = bytes.last, isSpace(last) { bytes.removeLast() }
        return bytes
    }

    /// Without regard to the case of letters; `text` is in lower case.
    private static func equal(_ bytes: ArraySlice<UInt8>, _ text: StaticString) -> Bool {
        guard bytes.count == text.utf8CodeUnitCount else { return false }
        let wanted = unsafe UnsafeBufferPointer(
            start: text.utf8Start, count: text.utf8CodeUnitCount)
        return unsafe zip(bytes, wanted).allSatisfy { byte, letter in
            (0x41...0x5A).contains(byte) ? byte | 0x20 == letter : byte == letter
        }
    }
}
