/// A place in a value, as RFC 6901 writes it.
enum PointerStep: Sendable {
    case name(String)
    case index(Int)
}

extension [PointerStep] {
    /// A name from outside is cut after 100 characters: the pointer goes into messages.
    var pointer: String {
        var text = ""
        for step in self {
            switch step {
            case .index(let index): text += "/\(index)"
            case .name(let name):
                text +=
                    "/"
                    + pointerToken(
                        String(String.UnicodeScalarView(name.unicodeScalars.prefix(100))))
                if name.unicodeScalars.dropFirst(100).first != nil { text += "…" }
            }
        }
        return text
    }
}

func pointerToken(_ name: String) -> String {
    var token = ""
    for scalar in name.unicodeScalars {
        switch scalar {
        case "~": token += "~0"
        case "/": token += "~1"
        default: token.unicodeScalars.append(scalar)
        }
    }
    return token
}

/// The names of a JSON Pointer that is not empty; nil when it is malformed.
func pointerTokens(_ pointer: String) -> [String]? {
    var tokens: [String] = []
    for part in pointer.utf8.dropFirst().split(
        separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    {
        guard let token = unescaped(part) else { return nil }
        tokens.append(token)
    }
    return tokens
}

private func unescaped(_ part: some Sequence<UInt8>) -> String? {
    var bytes: [UInt8] = []
    var afterTilde = false
    for byte in part {
        switch byte {
        case UInt8(ascii: "0") where afterTilde: bytes.append(UInt8(ascii: "~"))
        case UInt8(ascii: "1") where afterTilde: bytes.append(UInt8(ascii: "/"))
        case _ where afterTilde: return nil
        case UInt8(ascii: "~"): break
        default: bytes.append(byte)
        }
        afterTilde = byte == UInt8(ascii: "~") && !afterTilde
    }
    return afterTilde ? nil : String(decoding: bytes, as: UTF8.self)
}

func percentDecoded(_ bytes: ArraySlice<UInt8>) -> String? {
    var decoded: [UInt8] = []
    var rest = bytes
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "%") else {
            decoded.append(byte)
            continue
        }
        guard let high = rest.popFirst().flatMap(hexValue),
            let low = rest.popFirst().flatMap(hexValue)
        else { return nil }
        decoded.append(high << 4 | low)
    }
    return String(validating: decoded, as: UTF8.self)
}

func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
}
