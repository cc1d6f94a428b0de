/// `format`: the well-known ones are checked, a few of OpenAPI's say nothing that could be checked,
/// and any other name is an error of the schema.
struct SchemaFormat: Sendable {
    enum Check: Sendable {
        case text(@Sendable ([UInt8]) -> Bool)
        case integer(ClosedRange<Decimal>)
        case nothing
    }

    private let check: Check
    let message: String

    init?(_ name: String) {
        guard let entry = Self.byName[Name(name)] else { return nil }
        check = entry.check
        message = "must be \(entry.phrase)"
    }

    var isChecked: Bool { if case .nothing = check { false } else { true } }

    func admits(_ value: JSONValue) -> Bool {
        switch (check, value) {
        case (.text(let isValid), .string(let text)): return isValid(Array(text.utf8))
        case (.integer(let range), .number(let number)):
            let exact = Decimal(number)
            return exact.isInteger && range.contains(exact)
        default: return true
        }
    }

    static func objection(to name: String) -> String {
        if let advice = unserved[Name(name)] { return advice }
        let hint = nearest(name, among: byName.keys.map(\.text).sorted())
        return "is not a known format" + (hint.map { "; did you mean `\($0)`?" } ?? "")
    }

    private static let unserved: [Name: String] = [
        "idn-hostname": "is not a format that is checked; use `hostname` with `xn--` labels"
    ]

    private static func integer(_ least: String, _ most: String) -> Check {
        .integer(
            Decimal(JSONNumber(validated: least))...Decimal(JSONNumber(validated: most)))
    }

    private static let byName: [Name: (check: Check, phrase: String)] = [
        "date-time": (
            .text(FormatTime.isDateTime),
            "a date and time such as `2026-07-28T09:30:00Z` (RFC 3339)"
        ),
        "date": (.text(FormatTime.isDate), "a date such as `2026-07-28`"),
        "time": (.text(FormatTime.isTime), "a time with its offset such as `09:30:00Z`"),
        "duration": (.text(FormatTime.isDuration), "a duration such as `P1DT12H` (ISO 8601)"),
        "email": (.text(FormatHost.isEmail), "an e-mail address"),
        "idn-email": (.text(FormatHost.isInternationalEmail), "an e-mail address"),
        "hostname": (.text(FormatHost.isHostname), "a host name"),
        "ipv4": (.text(FormatHost.isIPv4), "an IPv4 address such as `192.0.2.1`"),
        "ipv6": (.text(FormatHost.isIPv6), "an IPv6 address such as `2001:db8::1`"),
        "uri": (.text(FormatURI.isURI), "a URI with its scheme, such as `https://example.com/`"),
        "uri-reference": (.text(FormatURI.isReference), "a URI or a relative reference"),
        "iri": (.text(FormatURI.isIRI), "an IRI with its scheme"),
        "iri-reference": (.text(FormatURI.isIRIReference), "an IRI or a relative reference"),
        "uri-template": (.text(FormatURI.isTemplate), "a URI template (RFC 6570)"),
        "uuid": (.text(isUUID), "a UUID"),
        "json-pointer": (.text(isPointer), "a JSON Pointer such as `/a/0`"),
        "relative-json-pointer": (
            .text(isRelativePointer), "a relative JSON Pointer such as `1/a`"
        ),
        "regex": (.text(isExpression), "a regular expression (ECMA-262)"),
        "int8": (integer("-128", "127"), "a whole number of 8 bits"),
        "int16": (integer("-32768", "32767"), "a whole number of 16 bits"),
        "int32": (integer("-2147483648", "2147483647"), "a whole number of 32 bits"),
        "int64": (
            integer("-9223372036854775808", "9223372036854775807"), "a whole number of 64 bits"
        ),
        "uint8": (integer("0", "255"), "a whole number of 8 bits, not negative"),
        "uint16": (integer("0", "65535"), "a whole number of 16 bits, not negative"),
        "uint32": (integer("0", "4294967295"), "a whole number of 32 bits, not negative"),
        "uint64": (
            integer("0", "18446744073709551615"), "a whole number of 64 bits, not negative"
        ),
        "float": (.nothing, ""), "double": (.nothing, ""), "decimal": (.nothing, ""),
        "byte": (.nothing, ""), "binary": (.nothing, ""), "password": (.nothing, ""),
    ]

    private static func isUUID(_ bytes: [UInt8]) -> Bool {
        bytes.count == 36
            && bytes.indices.allSatisfy { index in
                [8, 13, 18, 23].contains(index)
                    ? bytes[index] == UInt8(ascii: "-") : hexValue(bytes[index]) != nil
            }
    }

    private static func isPointer(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first else { return true }
        return first == UInt8(ascii: "/")
            && pointerTokens(String(decoding: bytes, as: UTF8.self)) != nil
    }

    private static func isRelativePointer(_ bytes: [UInt8]) -> Bool {
        let digits = bytes.prefix { $0 &- 0x30 < 10 }
        guard let first = digits.first, first != UInt8(ascii: "0") || digits.count == 1 else {
            return false
        }
        let rest = Array(bytes[digits.endIndex...])
        return rest == [UInt8(ascii: "#")] || isPointer(rest)
    }

    private static func isExpression(_ bytes: [UInt8]) -> Bool {
        var parser = PatternParser(
            String(decoding: bytes, as: UTF8.self), allowsBacktracking: true)
        return (try? parser.parse()) != nil
    }
}
