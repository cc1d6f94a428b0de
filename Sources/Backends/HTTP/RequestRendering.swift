internal import Enforcement
internal import JSON

/// Puts the values of one call into the places of its tool's request.
///
/// A value is data wherever it stands: it is encoded for its place, or refused where no encoding
/// would keep every server from reading more into it. Values that are missing leave their query
/// parameter, header or member out; a path or a host needs all of them.
struct RequestRendering {
    static let targetBytesMax = 8_000
    static let headerBytesMax = 4_096

    let arguments: JSONObject

    func target(_ path: [String], _ query: [NamedTemplate]) throws(BackendError) -> String {
        let pairs = try pairs(query)
        let target = "/" + path.joined(separator: "/") + (pairs.isEmpty ? "" : "?") + pairs
        guard target.utf8.count <= Self.targetBytesMax else {
            throw BackendError(.argument, detail: "the arguments make an address that is too long")
        }
        return target
    }

    /// Encoded segments.
    func segments(_ path: PathTemplate) throws(BackendError) -> [String] {
        var segments: [String] = []
        for segment in path.segments {
            switch segment {
            case .one(let template): segments.append(try self.segment(template))
            case .several(let name):
                let value = try needed(name)
                if let reason = PathValue.reasonAgainst(several: value) {
                    throw Self.refusal(of: name, reason)
                }
                segments += value.split(separator: "/").map { Encoded.data(String($0)) }
            }
        }
        return segments
    }

    private func segment(_ template: TextTemplate) throws(BackendError) -> String {
        var whole = ""
        for part in template.parts {
            switch part {
            case .literal(let text): whole += text
            case .value(let name):
                let value = try needed(name)
                if let reason = PathValue.reasonAgainst(one: value) {
                    throw Self.refusal(of: name, reason)
                }
                whole += value
            }
        }
        // Values that are harmless each may make two dots together.
        if let name = template.names.first, let reason = PathValue.reasonAgainst(one: whole) {
            throw Self.refusal(of: name, reason)
        }
        return Encoded.data(whole)
    }

    func host(_ template: HostTemplate) throws(BackendError) -> String {
        var labels: [String] = []
        for label in template.labels {
            switch label {
            case .literal(let text): labels.append(text)
            case .value(let name):
                guard let value = HostName.lowercased(try needed(name)),
                    HostName.isLabel(value), !HostName.isEncoded(value)
                else {
                    throw Self.refusal(
                        of: name, "must be one host label: letters, digits and inner hyphens")
                }
                labels.append(value)
            }
        }
        return labels.joined(separator: ".")
    }

    /// `a=1&b=2`, for a query or a form.
    func pairs(_ templates: [NamedTemplate]) throws(BackendError) -> String {
        var pairs: [String] = []
        for template in templates {
            guard let value = try text(template.value) else { continue }
            pairs.append("\(Encoded.data(template.name))=\(Encoded.data(value))")
        }
        return pairs.joined(separator: "&")
    }

    func headers(
        _ templates: [NamedTemplate]
    ) throws(BackendError) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        for template in templates {
            guard let value = try text(template.value) else { continue }
            if let name = template.value.names.first, !Self.isHeaderValue(value) {
                throw Self.refusal(
                    of: name,
                    "must be visible ASCII with inner spaces at most, up to \(Self.headerBytesMax) characters"
                )
            }
            headers.append((name: template.name, value: value))
        }
        return headers
    }

    private static func isHeaderValue(_ text: String) -> Bool {
        (1...headerBytesMax).contains(text.utf8.count) && text.utf8.first != 0x20
            && text.utf8.last != 0x20 && text.utf8.allSatisfy { (0x20..<0x7F).contains($0) }
    }

    /// Nil where the value that it is made of is missing.
    func json(_ template: JSONTemplate) throws(BackendError) -> JSONValue? {
        switch template {
        case .literal(let value): return value
        case .value(let name):
            let value = arguments[name.text]
            return value == .null ? nil : value
        case .text(let text): return try self.text(text).map { .string($0) }
        case .array(let elements):
            var values: [JSONValue] = []
            for element in elements {
                if let value = try json(element) { values.append(value) }
            }
            return .array(values)
        case .object(let members):
            var object: [JSONObject.Member] = []
            for member in members {
                if let value = try json(member.value) { object.append((member.name, value)) }
            }
            return .object(JSONObject(distinct: object))
        }
    }

    /// Nil where a value of it is missing.
    private func text(_ template: TextTemplate) throws(BackendError) -> String? {
        var whole = ""
        for part in template.parts {
            switch part {
            case .literal(let text): whole += text
            case .value(let name):
                guard let value = try value(of: name) else { return nil }
                whole += value
            }
        }
        return whole
    }

    func needed(_ name: Name) throws(BackendError) -> String {
        if let value = try value(of: name) { return value }
        throw Self.refusal(of: name, "is needed here and cannot be left out or null")
    }

    /// A scalar as text, numbers in decimal.
    private func value(of name: Name) throws(BackendError) -> String? {
        switch arguments[name.text] {
        case nil, .null?: return nil
        case .string(let text)?: return text
        case .bool(let flag)?: return flag ? "true" : "false"
        case .number(let number)?:
            if let text = number.plainText { return text }
            throw Self.refusal(of: name, "is a number of too many digits")
        case .array?, .object?:
            throw Self.refusal(of: name, "must be one value, not a list or an object")
        }
    }

    static func refusal(of name: Name, _ reason: String) -> BackendError {
        BackendError(.argument, detail: "`\(name)` \(reason)")
    }
}

/// Which values may become a part of a path.
enum PathValue {
    /// Why not, for one that stays within its segment.
    static func reasonAgainst(one value: String) -> String? {
        if value.utf8.isEmpty { return "must not be empty" }
        // Most values are words or numbers, and no reading makes more of them.
        if value.utf8.allSatisfy({ Encoded.isUnreserved($0) && $0 != UInt8(ascii: ".") }) {
            return nil
        }
        if value.unicodeScalars.contains(where: isInvisible) {
            return "must not hold control or invisible characters"
        }
        let reading = PathReading(value)
        if reading.holdsControl { return "must not hold control characters, in any spelling" }
        if reading.isBlank { return "must not be blank" }
        if reading.holdsDots || !reading.isSettled {
            return "must not hold `.` or `..` as a part of a path, in any spelling"
        }
        if reading.holdsSeparator { return "must not hold slashes or backslashes" }
        return nil
    }

    /// Why not, for several segments: what is not in its one plain form.
    static func reasonAgainst(several value: String) -> String? {
        let segments = value.split(separator: "/", omittingEmptySubsequences: false)
        for segment in segments {
            if let reason = reasonAgainst(one: String(segment)) {
                return segment.isEmpty ? "must not hold empty parts" : reason
            }
            if PercentEscapes.isFound(in: String(segment))
                || segment.contains(where: { ";?#".contains($0) })
            {
                return "must be plain: no escapes, no `;`, `?` or `#`"
            }
            if segment.first == " " || segment.last == " " || segment.last == "." {
                return "must not hold parts that begin or end with a space or end with a dot"
            }
            if segment.unicodeScalars.contains(where: CompatibilityForms.isForm) {
                return "must be plain: no full-width letters or other compatibility characters"
            }
        }
        return nil
    }

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: scalar.properties.isDefaultIgnorableCodePoint
        }
    }
}

/// Percent-encoding.
package enum Encoded {
    /// All but the unreserved characters of RFC 3986 section 2.3, so that nothing is a delimiter.
    package static func data(_ text: String) -> String {
        if text.utf8.allSatisfy(isUnreserved) { return text }
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        encoded.reserveCapacity(text.utf8.count * 3)
        for byte in text.utf8 {
            if isUnreserved(byte) {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    package static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
