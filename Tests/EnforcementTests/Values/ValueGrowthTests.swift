import JSON
import TestSupport
import Testing

@testable import Enforcement

/// How what masks by value cost grows.
@Suite(.serialized) struct ValueGrowthTests {
    private static let prose = """
        The parcel left the depot in the morning and was scanned twice before noon. Nobody was at \
        home, so the driver took it back; the next attempt is planned for Monday between 9 and 12. \
        user_name: none, key=value, see /usr/lib (page 12) and https://example.com/a/b.

        """

    private static func text(_ piece: String, bytes: Int) -> String {
        String(repeating: piece, count: max(1, bytes / piece.utf8.count))
    }

    /// The shortest of several, by the time that the thread itself takes.
    private static func fastest(_ body: () -> Void) -> Duration {
        (0..<3).map { _ in ContinuousClock().measure(body) }.min() ?? .zero
    }

    /// A byte costs the same in a long text; where something looks back from each place, it does
    /// not. `ValueCostTests` goes on to 10 MB.
    @Test(arguments: [
        prose, "a@b ", "4111 1111 ", "password: ", "aGVsbG8gd29ybGQ ", "%41%42", "1.2.3.",
        "a_at_b_dot_c_",
        "echo x | sudo -S ", "net use \\\\a\\b ", "host:5432:a:b:", "TOTP ABCD ", "{\"a\":[",
        "\u{FF11}\u{200B}",
    ])
    func theTimeGrowsWithTheTextAndNotFaster(_ piece: String) {
        var mask = TextMask(ValueDetectionTests.masks, wanted: .everything)
        func nanosecondsAByte(_ bytes: Int) -> Double {
            let text = Self.text(piece, bytes: bytes)
            let rounds = max(1, 16_000 / bytes)
            let time = Self.fastest {
                for _ in 0..<rounds { _ = mask.masked(text.utf8.span) }
            }
            return Double(time.microseconds) * 1_000 / Double(text.utf8.count * rounds)
        }
        let small = nanosecondsAByte(1_000)
        let large = nanosecondsAByte(100_000)
        #expect(large < 4 * small + 20, "\(small) → \(large) ns a byte: \(piece)")
    }
}
