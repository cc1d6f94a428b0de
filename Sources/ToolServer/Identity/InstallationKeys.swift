import Enforcement
import Glibc
import JSON
import Synchronization

/// The keys of this installation's own tokens, as its files hold them: the one that signs, and
/// those before it, which verify until the last token that they signed has ended.
///
/// Another process may rotate them at any time: the files are looked at once a second, and again
/// for a key that is not known. Files that cannot be read give no keys, and so nobody is believed.
final class InstallationKeys: KeySource {
    private struct State {
        var stamps: [FileStamp?] = []
        var second = 0
        var ring: KeyRing?
        var keys = IssuerKeys([])
        var generation = 0
    }

    private let installation: Installation
    private let now: @Sendable () -> Int
    private let state = Mutex(State())

    /// Makes the first key where there is none.
    init(
        _ installation: Installation, now: @escaping @Sendable () -> Int = WallClock.seconds
    ) throws(CommandFailure) {
        self.installation = installation
        self.now = now
        // Before the files are read: what changes meanwhile is another content.
        let stamps = Self.stamps(installation)
        let ring = try installation.keyRing()
        state.withLock { Self.take(ring, stamps, now(), &$0) }
    }

    func keys(for id: String) async throws(Refusal) -> IssuerKeys {
        look(again: !state.withLock { $0.keys.knows(id) })
        return state.withLock { $0.keys }
    }

    var generation: Int { state.withLock { $0.generation } }

    func touch() { look(again: false) }

    /// A token of these claims, by the key of this moment.
    func sign(_ claims: JSONObject) throws(CommandFailure) -> String {
        look(again: true)
        guard let key = state.withLock({ $0.ring?.signer }) else {
            throw CommandFailure("the keys of this installation cannot be read")
        }
        return try LocalToken.sign(claims, with: key)
    }

    /// As others read them (RFC 7517).
    var document: JSONValue {
        look(again: false)
        let keys = state.withLock { $0.ring?.publicKeys(at: now()) ?? [] }
        return ["keys": .array(keys.map { .object($0) })]
    }

    /// `again`: although it was done in this second.
    private func look(again: Bool) {
        let second = now()
        let isDue = state.withLock { state in
            defer { state.second = second }
            return again || state.second != second
        }
        guard isDue else { return }
        let stamps = Self.stamps(installation)
        guard state.withLock({ $0.stamps != stamps }) else { return }
        let ring: KeyRing?
        do throws(CommandFailure) { ring = try installation.keyRing() } catch {
            ring = nil
            StandardStream.error.line("\(error.message) Its tokens are refused until then.")
        }
        state.withLock { Self.take(ring, stamps, second, &$0) }
    }

    private static func take(
        _ ring: KeyRing?, _ stamps: [FileStamp?], _ now: Int, _ state: inout State
    ) {
        let keys = IssuerKeys(
            (ring?.publicKeys(at: now) ?? []).compactMap { try? VerificationKey(jwk: $0) })
        // What a key vouched for that is no more must be verified again.
        if !state.keys.isContained(in: keys) { state.generation += 1 }
        state.keys = keys
        state.ring = ring
        state.stamps = stamps
    }

    private static func stamps(_ installation: Installation) -> [FileStamp?] {
        [installation.tokenKeyFile, installation.retiredKeysFile].map { FileStamp($0) }
    }
}

/// Tells one content of a file from the next; files are replaced whole.
private struct FileStamp: Equatable {
    private let inode: UInt
    private let seconds: Int
    private let nanoseconds: Int

    init?(_ path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        inode = UInt(status.st_ino)
        seconds = status.st_mtim.tv_sec
        nanoseconds = status.st_mtim.tv_nsec
    }
}
