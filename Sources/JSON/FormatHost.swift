/// Names and addresses of hosts and mailboxes.
enum FormatHost {
    /// RFC 1123, and RFC 5890 as far as ASCII goes: what stands behind `xn--` is not decoded.
    static func isHostname(_ bytes: [UInt8]) -> Bool {
        isHostname(bytes) { _ in false }
    }

    private static func isHostname(_ bytes: [UInt8], _ isAlsoAllowed: (UInt8) -> Bool) -> Bool {
        guard (1...253).contains(bytes.count) else { return false }
        return bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .allSatisfy { label in
                let hyphen = UInt8(ascii: "-")
                return (1...63).contains(label.count) && label.first != hyphen
                    && label.last != hyphen && !hasReservedHyphens(label)
                    && label.allSatisfy { isLetterOrDigit($0) || $0 == hyphen || isAlsoAllowed($0) }
            }
    }

    /// RFC 5891 section 4.2.3.1 keeps `??--` for encodings, of which `xn--` is the only one.
    private static func hasReservedHyphens(_ label: ArraySlice<UInt8>) -> Bool {
        let start = Array(label.prefix(4))
        guard start.count == 4, start[2] == UInt8(ascii: "-"), start[3] == start[2] else {
            return false
        }
        let isEncoded = start[0] | 0x20 == UInt8(ascii: "x") && start[1] | 0x20 == UInt8(ascii: "n")
        return !isEncoded || label.count == 4
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26
    }

    static func isIPv4(_ bytes: [UInt8]) -> Bool {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                (1...3).contains(part.count) && part.allSatisfy { $0 &- 0x30 < 10 }
                    && (part.count == 1 || part.first != UInt8(ascii: "0"))
                    && part.reduce(0) { $0 * 10 + Int($1 - 0x30) } <= 255
            }
    }

    /// RFC 4291 section 2.2, without a zone.
    static func isIPv6(_ bytes: [UInt8]) -> Bool {
        let colon = UInt8(ascii: ":")
        let parts = bytes.split(separator: colon, omittingEmptySubsequences: false)
        guard (3...9).contains(parts.count), let last = parts.last, let first = parts.first else {
            return false
        }
        var groups = 0
        var gaps = 0
        for (index, part) in parts.enumerated() {
            if part.isEmpty {
                if index != 0, index != parts.count - 1 { gaps += 1 }
            } else if index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard isIPv4(Array(part)) else { return false }
                groups += 2
            } else {
                guard part.count <= 4, part.allSatisfy({ hexValue($0) != nil }) else {
                    return false
                }
                groups += 1
            }
        }
        // An empty part at either end belongs to a `::`.
        if first.isEmpty, !parts[1].isEmpty { return false }
        if last.isEmpty, !parts[parts.count - 2].isEmpty { return false }
        if bytes.count == 2 { return gaps == 1 }
        return gaps == 0 ? groups == 8 : gaps == 1 && groups <= 7
    }

    static func isEmail(_ bytes: [UInt8]) -> Bool { isEmail(bytes) { _ in false } }

    /// RFC 6531: the same with text beyond ASCII.
    static func isInternationalEmail(_ bytes: [UInt8]) -> Bool { isEmail(bytes) { $0 >= 0x80 } }

    /// RFC 5321 section 4.1.2.
    private static func isEmail(_ bytes: [UInt8], _ isAlsoAllowed: (UInt8) -> Bool) -> Bool {
        guard bytes.count <= 254, let at = bytes.lastIndex(of: UInt8(ascii: "@")) else {
            return false
        }
        let local = bytes[..<at]
        guard (1...64).contains(local.count), isLocalPart(local, isAlsoAllowed) else {
            return false
        }
        let domain = Array(bytes[(at + 1)...])
        guard domain.first == UInt8(ascii: "["), domain.last == UInt8(ascii: "]") else {
            return isHostname(domain, isAlsoAllowed)
        }
        let address = domain.dropFirst().dropLast()
        let marker = Array("IPv6:".utf8)
        return address.starts(with: marker)
            ? isIPv6(Array(address.dropFirst(marker.count))) : isIPv4(Array(address))
    }

    private static func isLocalPart(
        _ local: ArraySlice<UInt8>, _ isAlsoAllowed: (UInt8) -> Bool
    ) -> Bool {
        let quote = UInt8(ascii: "\"")
        if local.first == quote {
            return local.count >= 2 && local.last == quote
                && isQuoted(local.dropFirst().dropLast(), isAlsoAllowed)
        }
        let marks = Array("!#$%&'*+-/=?^_`{|}~".utf8)
        return local.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .allSatisfy { atom in
                !atom.isEmpty
                    && atom.allSatisfy {
                        isLetterOrDigit($0) || marks.contains($0) || isAlsoAllowed($0)
                    }
            }
    }

    private static func isQuoted(
        _ content: ArraySlice<UInt8>, _ isAlsoAllowed: (UInt8) -> Bool
    ) -> Bool {
        var isEscaped = false
        for byte in content {
            guard (0x20...0x7E).contains(byte) || isAlsoAllowed(byte) else { return false }
            if !isEscaped, byte == UInt8(ascii: "\"") { return false }
            isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
        }
        return !isEscaped
    }
}
