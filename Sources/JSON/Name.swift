/// A name compared byte by byte.
///
/// Swift's `String` equates canonically equivalent texts (`"\u{212A}" == "K"`), so two names that
/// differ on the wire would be one key here, and a rule about the one would not see the other.
/// Every dictionary key and every comparison of a name, scope, group or tool goes through this.
package struct Name: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (left: Name, right: Name) -> Bool {
        left.text.isByteEqual(to: right.text)
    }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { bytes in unsafe hasher.combine(bytes: UnsafeRawBufferPointer(bytes)) }
    }

    package var description: String { text }
}

extension Name: Comparable {
    package static func < (left: Name, right: Name) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }
}

extension Name: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) { self.init(text) }
}

extension String {
    /// The only comparison of text that decides anything: UTF-8 bytes, no equivalence.
    package func isByteEqual(to other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        let left = utf8.span
        let right = other.utf8.span
        for index in 0..<left.count where left[index] != right[index] { return false }
        return true
    }
}
