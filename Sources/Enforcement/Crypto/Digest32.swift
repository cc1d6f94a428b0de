/// Thirty-two bytes: a SHA-256 digest or an HMAC of it.
///
/// Four words instead of an array: no allocation, trivially copied and hashed. The words hold the
/// bytes in memory order; they are never read as numbers.
package struct Digest32: Hashable, Sendable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    package static let byteCount = 32

    /// All zero bytes.
    package init() {}

    /// Nil unless there are exactly 32 bytes.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        unsafe withMutableBytes { unsafe $0.copyBytes(from: bytes) }
    }

    package var bytes: [UInt8] { unsafe withBytes { unsafe Array($0) } }

    package var hex: String { Hex.encode(bytes) }

    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe withUnsafeBytes(of: words, body)
    }

    package mutating func withMutableBytes<Result>(
        _ body: (UnsafeMutableRawBufferPointer) -> Result
    ) -> Result {
        unsafe withUnsafeMutableBytes(of: &words, body)
    }

    /// Not in constant time: a secret tag is compared by `isConstantTimeEqual(to:)`.
    package static func == (left: Digest32, right: Digest32) -> Bool {
        left.words == right.words
    }

    package func isConstantTimeEqual(to other: Digest32) -> Bool {
        (words.0 ^ other.words.0) | (words.1 ^ other.words.1) | (words.2 ^ other.words.2)
            | (words.3 ^ other.words.3) == 0
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}
