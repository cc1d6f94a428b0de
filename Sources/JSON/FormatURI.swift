/// RFC 3986, RFC 3987 and RFC 6570.
enum FormatURI {
    static func isURI(_ bytes: [UInt8]) -> Bool {
        isASCII(bytes) && isReference(bytes, needsScheme: true)
    }
    static func isReference(_ bytes: [UInt8]) -> Bool {
        isASCII(bytes) && isReference(bytes, needsScheme: false)
    }
    static func isIRI(_ bytes: [UInt8]) -> Bool {
        isInternational(bytes) && isReference(bytes, needsScheme: true)
    }
    static func isIRIReference(_ bytes: [UInt8]) -> Bool {
        isInternational(bytes) && isReference(bytes, needsScheme: false)
    }

    private static func isASCII(_ bytes: [UInt8]) -> Bool { bytes.allSatisfy { $0 < 0x80 } }

    /// `ucschar` and `iprivate` of RFC 3987: no controls, no noncharacters.
    private static func isInternational(_ bytes: [UInt8]) -> Bool {
        String(decoding: bytes, as: UTF8.self).unicodeScalars.allSatisfy { scalar in
            switch scalar.value {
            case 0..<0x80: true
            case 0x80..<0xA0, 0xFDD0...0xFDEF: false
            default: scalar.value & 0xFFFE != 0xFFFE
            }
        }
    }

    /// Private use has its place in a query alone.
    private static func hasPrivateUse(_ bytes: ArraySlice<UInt8>) -> Bool {
        String(decoding: bytes, as: UTF8.self).unicodeScalars.contains { scalar in
            (0xE000...0xF8FF).contains(scalar.value) || scalar.value >= 0xF0000
        }
    }

    private static let subDelimiters = Set("!$&'()*+,;=".utf8)

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || byte >= 0x80
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
            || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "~")
    }

    /// Unreserved, sub-delimiters, percent-encoded bytes, and those in `more`.
    private static func holds(_ bytes: ArraySlice<UInt8>, _ more: String) -> Bool {
        let more = Array(more.utf8)
        var hexDigitsWanted = 0
        for byte in bytes {
            if hexDigitsWanted > 0 {
                guard hexValue(byte) != nil else { return false }
                hexDigitsWanted -= 1
            } else if byte == UInt8(ascii: "%") {
                hexDigitsWanted = 2
            } else if !isUnreserved(byte), !subDelimiters.contains(byte), !more.contains(byte) {
                return false
            }
        }
        return hexDigitsWanted == 0
    }

    private static func isReference(_ bytes: [UInt8], needsScheme: Bool) -> Bool {
        var rest = bytes[...]
        var fragment = rest[rest.endIndex...]
        if let mark = rest.firstIndex(of: UInt8(ascii: "#")) {
            fragment = rest[(mark + 1)...]
            guard holds(fragment, ":@/?") else { return false }
            rest = rest[..<mark]
        }
        if let mark = rest.firstIndex(of: UInt8(ascii: "?")) {
            guard holds(rest[(mark + 1)...], ":@/?") else { return false }
            rest = rest[..<mark]
        }
        guard !hasPrivateUse(rest), !hasPrivateUse(fragment) else { return false }
        // A colon within the first segment can only end a scheme.
        let segmentEnd = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        if let colon = rest[..<segmentEnd].firstIndex(of: UInt8(ascii: ":")) {
            guard isScheme(rest[..<colon]) else { return false }
            rest = rest[(colon + 1)...]
        } else if needsScheme {
            return false
        }
        guard rest.starts(with: "//".utf8) else { return holds(rest, ":@/") }
        let authority = rest.dropFirst(2)
        let end = authority.firstIndex(of: UInt8(ascii: "/")) ?? authority.endIndex
        return isAuthority(authority[..<end]) && holds(authority[end...], ":@/")
    }

    private static func isScheme(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let first = bytes.first, (first | 0x20) &- 0x61 < 26 else { return false }
        return bytes.allSatisfy {
            $0 < 0x80 && $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "~")
                && (isUnreserved($0) || $0 == UInt8(ascii: "+"))
        }
    }

    private static func isAuthority(_ bytes: ArraySlice<UInt8>) -> Bool {
        var host = bytes
        if let at = host.lastIndex(of: UInt8(ascii: "@")) {
            guard holds(host[..<at], ":") else { return false }
            host = host[(at + 1)...]
        }
        var portStart = host.lastIndex(of: UInt8(ascii: ":"))
        if host.first == UInt8(ascii: "[") {
            guard let close = host.firstIndex(of: UInt8(ascii: "]")),
                isLiteral(host[(host.startIndex + 1)..<close])
            else { return false }
            let rest = host[(close + 1)...]
            guard rest.isEmpty || rest.first == UInt8(ascii: ":") else { return false }
            portStart = rest.isEmpty ? nil : rest.startIndex
        } else {
            guard holds(host[..<(portStart ?? host.endIndex)], "") else { return false }
        }
        return portStart.map { host[($0 + 1)...].allSatisfy { $0 &- 0x30 < 10 } } ?? true
    }

    private static func isLiteral(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.first.map({ $0 | 0x20 }) == UInt8(ascii: "v") else {
            return FormatHost.isIPv6(Array(bytes))
        }
        let parts = bytes.dropFirst().split(
            separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 && !parts[0].isEmpty && !parts[1].isEmpty
            && parts[0].allSatisfy { hexValue($0) != nil }
            && !parts[1].contains(UInt8(ascii: "%")) && holds(parts[1], ":")
    }

    /// Literals and expressions in braces.
    static func isTemplate(_ bytes: [UInt8]) -> Bool {
        guard isInternational(bytes) else { return false }
        var rest = bytes[...]
        while let open = rest.firstIndex(of: UInt8(ascii: "{")) {
            guard isLiteralText(rest[..<open]),
                let close = rest[open...].firstIndex(of: UInt8(ascii: "}")),
                isExpression(rest[(open + 1)..<close])
            else { return false }
            rest = rest[(close + 1)...]
        }
        return isLiteralText(rest)
    }

    private static func isLiteralText(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.allSatisfy { $0 > 0x20 && $0 != 0x7F && !"\"<>\\^`{|}".utf8.contains($0) }
            && holds(bytes, ":/?#[]@")
    }

    private static func isExpression(_ bytes: ArraySlice<UInt8>) -> Bool {
        let operators = Array("+#./;?&=,!@|".utf8)
        let list = bytes.first.map(operators.contains) == true ? bytes.dropFirst() : bytes
        return list.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            .allSatisfy(isVariable)
    }

    private static func isVariable(_ bytes: ArraySlice<UInt8>) -> Bool {
        var name = bytes
        if name.last == UInt8(ascii: "*") {
            name = name.dropLast()
        } else if let colon = name.firstIndex(of: UInt8(ascii: ":")) {
            let length = name[(colon + 1)...]
            guard (1...4).contains(length.count), length.allSatisfy({ $0 &- 0x30 < 10 }),
                length.first != UInt8(ascii: "0")
            else { return false }
            name = name[..<colon]
        }
        return name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .allSatisfy { part in
                !part.isEmpty && holds(part, "")
                    && part.allSatisfy {
                        $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "_")
                            || $0 &- 0x30 < 10 || $0 < 0x80 && ($0 | 0x20) &- 0x61 < 26
                    }
            }
    }
}
