import JSON

// `String._nfc`: the standard library composes characters, and shows it only so.
@_spi(_Unicode) import Swift

/// A path, or a value that becomes a part of one, as the most lenient servers would read it:
/// escapes decoded again and again, compatibility forms and case folded.
///
/// Rules compare paths in this reading, so that no spelling of a path evades one, and values that
/// would change the path in it are refused.
package struct PathReading {
    /// No honest value is escaped more often.
    private static let passesMax = 16

    private let scalars: String.UnicodeScalarView
    /// False where escapes are nested deeper than we look.
    package let isSettled: Bool

    package init(_ text: String) {
        var reading = Self.folded(text)
        for _ in 0..<Self.passesMax where reading.utf8.contains(UInt8(ascii: "%")) {
            let next = Self.folded(PercentEscapes.decoded(reading))
            if next.isByteEqual(to: reading) { break }
            reading = next
        }
        isSettled = !PercentEscapes.isFound(in: reading)
        scalars = reading.unicodeScalars
    }

    /// Whether a part of it is `.` or `..`.
    package var holdsDots: Bool {
        scalars.split(whereSeparator: Self.isSeparator)
            .contains { Self.isDots($0, 1) || Self.isDots($0, 2) }
    }

    package var holdsSeparator: Bool { scalars.contains { $0 == "/" || $0 == "\\" } }

    package var holdsControl: Bool {
        scalars.contains { $0.properties.generalCategory == .control }
    }

    package var isBlank: Bool { scalars.allSatisfy { $0 == " " } }

    /// What rules compare: begins with `/` and does not end with it, dot segments resolved, path
    /// parameters and what file systems ignore cut off.
    package var canonicalPath: String {
        var segments: [String] = []
        for segment in scalars.split(whereSeparator: Self.isSeparator) {
            if Self.isDots(segment, 1) { continue }
            if Self.isDots(segment, 2) {
                _ = segments.popLast()
                continue
            }
            let name = Self.trimmed(segment.prefix { $0 != ";" })
            if !name.utf8.isEmpty { segments.append(name) }
        }
        return "/" + segments.joined(separator: "/")
    }

    /// Of a path and a query behind it.
    static func canonicalPath(of target: String) -> String {
        let path = target.utf8.prefix { $0 != UInt8(ascii: "?") }
        return isCanonical(path)
            ? String(path) ?? "" : PathReading(String(path) ?? "").canonicalPath
    }

    /// Most paths are, and seen to be so at a glance.
    private static func isCanonical(_ path: Substring.UTF8View) -> Bool {
        var last: UInt8 = 0
        for byte in path {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "~"):
                break
            case UInt8(ascii: "/"), UInt8(ascii: "."):
                if last == UInt8(ascii: "/") || last == UInt8(ascii: ".") { return false }
            default: return false
            }
            last = byte
        }
        let isOpen = last == UInt8(ascii: "/") || last == UInt8(ascii: ".")
        return path.first == UInt8(ascii: "/") && (path.count == 1 || !isOpen)
    }

    /// In lower case and compatibility form, without what no screen shows.
    static func folded(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.lowercased() }
        var folded = ""
        for scalar in text.unicodeScalars where !scalar.properties.isDefaultIgnorableCodePoint {
            folded += CompatibilityForms.folded(scalar)
        }
        var composed = String.UnicodeScalarView()
        for scalar in folded._nfc { composed.append(scalar) }
        return String(composed)
    }

    /// Also what best-fit conversions make a slash of.
    private static func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "/", "\\", "\u{2044}", "\u{2215}", "\u{2216}", "\u{29F5}", "\u{29F8}", "\u{29F9}": true
        default: false
        }
    }

    /// `count` dots, whatever stands around them that some server cuts off.
    private static func isDots(_ segment: Substring.UnicodeScalarView, _ count: Int) -> Bool {
        let core = segment.prefix { $0 != ";" }.filter { !isCutOff($0) }
        return core.count == count
            && core.allSatisfy { $0 == "." || $0 == "\u{3002}" || $0 == "\u{FF61}" }
    }

    private static func isCutOff(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control || scalar == " "
    }

    private static func trimmed(_ segment: Substring.UnicodeScalarView) -> String {
        var segment = segment
        while let last = segment.last, last == "." || isCutOff(last) { segment.removeLast() }
        return String(segment)
    }
}
