import Enforcement
import JSON
import Synchronization

/// Session ids that need no memory: random, and sealed to the caller who was given them.
///
/// A session proves nothing about who calls; it only tells two clients of one person apart. It
/// cannot be guessed, and another person's is answered as an unknown one. Only those that their
/// clients have ended are remembered, the latest of them: an older one would be good again, which
/// does no harm.
final class SessionSeal: Sendable {
    static let endedMax = 10_000
    private static let randomCount = 16
    private static let sealCount = 16

    private struct Ended {
        var names: Set<Name> = []
        /// A ring of `endedMax` places.
        var order: [Name] = []
        var oldest = 0
    }

    private let key: [UInt8]
    private let ended = Mutex(Ended())
    private let endings = Atomic<Int>(0)

    init() throws(CryptoError) { key = try randomBytes(32) }

    /// Another number whenever a session has ended: what was valid before must be asked again.
    var generation: Int { endings.load(ordering: .acquiring) }

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
            && !ended.withLock { $0.names.contains(Name(session)) }
    }

    /// For a valid one.
    func end(_ session: String) {
        let name = Name(session)
        ended.withLock { ended in
            guard ended.names.insert(name).inserted else { return }
            if ended.order.count < Self.endedMax {
                ended.order.append(name)
            } else {
                ended.names.remove(ended.order[ended.oldest])
                ended.order[ended.oldest] = name
                ended.oldest = (ended.oldest + 1) % Self.endedMax
            }
        }
        endings.wrappingAdd(1, ordering: .releasing)
    }

    private func seal(_ random: [UInt8], for caller: CallerID) -> [UInt8] {
        let bound = random + Array("\(caller.issuer)\u{0}\(caller.subject)".utf8)
        return Array(HMACSHA256.authenticate(bound, key: key).bytes.prefix(Self.sealCount))
    }
}
