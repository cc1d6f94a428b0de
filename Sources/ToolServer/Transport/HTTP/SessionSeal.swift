import Enforcement
import JSON
import Synchronization

/// Session ids that need no memory: random, with what the client said that it can, and sealed to
/// the caller who was given them.
///
/// A session proves nothing about who calls; it only tells two clients of one person apart. It
/// cannot be guessed, and another person's is answered as an unknown one. Only those that their
/// clients have ended are remembered, the latest of them: an older one would be good again, which
/// does no harm.
final class SessionSeal: Sendable {
    static let endedMax = 10_000
    /// Random bytes, and one for what the client can.
    private static let headCount = 17
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
    func issue(to caller: CallerID, showsForms: Bool = false) -> String? {
        guard let random = try? randomBytes(Self.headCount - 1) else { return nil }
        let head = random + [showsForms ? 1 : 0]
        return Base64URL.encode(head + seal(head, for: caller))
    }

    /// Whether the client of a valid session said that it shows forms.
    static func showsForms(_ session: String) -> Bool {
        guard let bytes = Base64URL.decode(session), bytes.count == headCount + sealCount else {
            return false
        }
        return bytes[headCount - 1] == 1
    }

    /// What tells sessions apart in the record and opens none: sixteen letters of the random part.
    static func mark(_ session: String) -> String { String(session.unicodeScalars.prefix(16)) }

    func isValid(_ session: String, for caller: CallerID) -> Bool {
        guard let bytes = Base64URL.decode(session),
            bytes.count == Self.headCount + Self.sealCount
        else { return false }
        let head = Array(bytes.prefix(Self.headCount))
        return constantTimeEqual(Array(bytes.suffix(Self.sealCount)), seal(head, for: caller))
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

    private func seal(_ head: [UInt8], for caller: CallerID) -> [UInt8] {
        let bound = head + Array("\(caller.issuer)\u{0}\(caller.subject)".utf8)
        return Array(HMACSHA256.authenticate(bound, key: key).bytes.prefix(Self.sealCount))
    }
}
