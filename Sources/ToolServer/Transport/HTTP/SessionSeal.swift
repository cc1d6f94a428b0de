import Enforcement
import JSON

/// Session ids that need no memory: random, and sealed to the caller who was given them.
///
/// A session proves nothing about who calls; it only tells two clients of one person apart. It
/// cannot be guessed, and another person's is answered as an unknown one.
struct SessionSeal: Sendable {
    private let key: [UInt8]
    private static let randomCount = 16
    private static let sealCount = 16

    init() throws(CryptoError) { key = try randomBytes(32) }

    /// nil when the system has no random bytes: then there is no session, which is no harm.
    func issue(to caller: CallerID) -> String? {
        guard let random = try? randomBytes(Self.randomCount) else { return nil }
        return Base64URL.encode(random + seal(random, for: caller))
    }

    func isValid(_ session: String, for caller: CallerID) -> Bool {
        guard let bytes = Base64URL.decode(session),
            bytes.count == Self.randomCount + Self.sealCount
        else { return false }
        let random = Array(bytes.prefix(Self.randomCount))
        return constantTimeEqual(Array(bytes.suffix(Self.sealCount)), seal(random, for: caller))
    }

    private func seal(_ random: [UInt8], for caller: CallerID) -> [UInt8] {
        let bound = random + Array("\(caller.issuer)\u{0}\(caller.subject)".utf8)
        return Array(HMACSHA256.authenticate(bound, key: key).bytes.prefix(Self.sealCount))
    }
}
