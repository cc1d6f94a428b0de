internal import Enforcement
internal import EventLoop
internal import JSON

/// A URL in the one reading that all parsers share. Whatever two of them could read differently
/// (backslashes, user names, escapes in the host, odd forms of addresses) is none.
package struct HTTPURL: Equatable, Sendable {
    package let isSecure: Bool
    /// In lower case, without a dot at the end; an IPv6 address in brackets.
    package let host: String
    package let port: UInt16
    /// As it stands, at least `/`.
    package let path: String
    /// As it stands, without the question mark; nil when there is none.
    package let query: String?

    /// The host, with its port where that is not the usual one.
    package var authority: String { port == (isSecure ? 443 : 80) ? host : "\(host):\(port)" }

    /// Why not, in words that follow "the URL".
    package struct Failure: Error, Equatable {
        package let reason: String
    }

    private static let lengthMax = 4_096

    package init(_ text: String) throws(Failure) {
        guard (1...Self.lengthMax).contains(text.utf8.count) else {
            throw Failure(reason: "must be 1 to \(Self.lengthMax) characters long")
        }
        guard text.utf8.allSatisfy(Self.isPlain) else {
            throw Failure(
                reason:
                    "must be printable ASCII without spaces, quotes and backslashes; write other characters as %XX"
            )
        }
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
            text[colon...].utf8.starts(with: "://".utf8)
        else { throw Failure(reason: "must begin with https:// or http://") }
        let scheme = text[..<colon].lowercased()
        isSecure = scheme.isByteEqual(to: "https")
        guard isSecure || scheme.isByteEqual(to: "http") else {
            throw Failure(reason: "must begin with https:// or http://")
        }
        let rest = text[colon...].dropFirst(3)
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        (host, port) = try Self.authority(rest[..<end], isSecure: isSecure)
        // What stands behind `#` is for the reader of the answer and never sent (RFC 9110, 7.1).
        let target = rest[end...].prefix { $0 != "#" }
        let mark = target.firstIndex(of: "?") ?? target.endIndex
        path = target[..<mark].isEmpty ? "/" : String(target[..<mark])
        query = mark == target.endIndex ? nil : String(target[mark...].dropFirst())
        try Self.checkEscapes(target)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && !"\\\"<>^`{|}".utf8.contains(byte)
    }

    private static func authority(
        _ text: Substring, isSecure: Bool
    ) throws(Failure) -> (host: String, port: UInt16) {
        guard !text.contains("@") else { throw Failure(reason: "must not hold a user name") }
        let isBracketed = text.first == "["
        let hostEnd =
            isBracketed
            ? text.firstIndex(of: "]").map { text.index(after: $0) } ?? text.endIndex
            : text.firstIndex(of: ":") ?? text.endIndex
        guard let host = HostName.canonical(String(text[..<hostEnd])) else {
            throw Failure(
                reason: "must have a host that is a plain name or an address in its usual form")
        }
        guard hostEnd < text.endIndex else { return (host, isSecure ? 443 : 80) }
        let digits = text[hostEnd...].dropFirst()
        guard text[hostEnd] == ":", let port = UInt16(digits), port > 0,
            port.description.isByteEqual(to: String(digits))
        else { throw Failure(reason: "must have a port from 1 to 65535, or none") }
        return (host, port)
    }

    /// Every `%` begins an escape, and brackets stand nowhere behind the host.
    private static func checkEscapes(_ target: Substring) throws(Failure) {
        let bytes = Array(target.utf8)
        func isHex(_ index: Int) -> Bool {
            index < bytes.count && Character(Unicode.Scalar(bytes[index])).isHexDigit
        }
        for (index, byte) in bytes.enumerated() {
            let isEscape = byte != UInt8(ascii: "%") || isHex(index + 1) && isHex(index + 2)
            guard isEscape, byte != UInt8(ascii: "["), byte != UInt8(ascii: "]") else {
                throw Failure(reason: "must have two hexadecimal digits behind each %")
            }
        }
    }
}

/// The names and addresses by which hosts are known.
package enum HostName {
    /// In lower case and without the dot at the end; nil for what is no host, or one that some
    /// parsers take for another.
    package static func canonical(_ text: String) -> String? {
        if text.utf8.first == UInt8(ascii: "[") {
            guard text.utf8.last == UInt8(ascii: "]"),
                let address = address(String(text.dropFirst().dropLast())), address.count == 16
            else { return nil }
            // An address has one form, or rules that name it would miss the others.
            return SocketAddress(bytes: address, port: 0).map { "[\($0.ip)]" }
        }
        guard var name = lowercased(text) else { return nil }
        if name.utf8.last == UInt8(ascii: "."), name.utf8.count > 1 { name.removeLast() }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard name.utf8.count <= 253, labels.allSatisfy({ isLabel(String($0)) }) else { return nil }
        // A last label that is a number makes it an address to some: then to all, or to nobody.
        guard let last = labels.last, isNumber(last) else { return name }
        return address(name)?.count == 4 ? name : nil
    }

    /// Nil for what is not ASCII: some other letters have a small form that is.
    package static func lowercased(_ text: String) -> String? {
        text.utf8.allSatisfy { $0 < 0x80 } ? text.lowercased() : nil
    }

    /// The bytes of a host that is an address.
    package static func address(_ host: String) -> [UInt8]? {
        let isBracketed = host.utf8.first == UInt8(ascii: "[")
        return NetworkAddress.parsed(isBracketed ? String(host.dropFirst().dropLast()) : host)
    }

    /// Letters, digits and inner hyphens, in lower case.
    package static func isLabel(_ text: String) -> Bool {
        guard (1...63).contains(text.utf8.count) else { return false }
        return text.utf8.first != UInt8(ascii: "-") && text.utf8.last != UInt8(ascii: "-")
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// The form of names in other alphabets, which look like others.
    package static func isEncoded(_ label: String) -> Bool { label.utf8.starts(with: "xn--".utf8) }

    private static func isNumber(_ label: Substring) -> Bool {
        let digits = label.hasPrefix("0x") ? label.dropFirst(2) : label
        let isHex = digits.utf8.count < label.utf8.count
        return digits.allSatisfy { isHex ? $0.isHexDigit : ("0"..."9").contains($0) }
    }
}
