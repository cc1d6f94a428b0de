import Enforcement
import Glibc
import JSON

/// A key that signs, and public halves of those that did before.
struct KeyRing: Sendable {
    struct Retired: Sendable {
        let key: JSONObject
        /// Seconds since 1970; no token of it is good any more from then on.
        let until: Int
    }

    /// More would be a program that rotates in a loop.
    static let retiredMax = 50
    /// No token of this installation lives longer, and clocks may differ.
    static let lifetimeMax = 24 * 3_600 + 600

    let signer: ES256PrivateKey
    var retired: [Retired]

    /// The one that signs first.
    func publicKeys(at now: Int) -> [JSONObject] {
        [LocalToken.jwk(of: signer.publicKey)] + retired.filter { $0.until > now }.map(\.key)
    }
}

extension Installation {
    var retiredKeysFile: String { keyDirectory + "/token.retired.json" }

    func keyRing() throws(CommandFailure) -> KeyRing {
        // The retired ones first: a rotation writes them first, and no key may be missed.
        let retired = try retiredKeys()
        return KeyRing(signer: try tokenKey(), retired: retired)
    }

    private func retiredKeys() throws(CommandFailure) -> [KeyRing.Retired] {
        guard let bytes = try Self.read(retiredKeysFile) else { return [] }
        try Self.refuseIfShared(retiredKeysFile)
        let listed = (try? JSONParser.parse(bytes))?["keys"]?.array
        let retired = listed?.compactMap { entry -> KeyRing.Retired? in
            guard let key = entry["key"]?.object, let until = entry["until"]?.number?.int else {
                return nil
            }
            return KeyRing.Retired(key: key, until: until)
        }
        guard let listed, let retired, retired.count == listed.count else {
            throw CommandFailure(
                "\(retiredKeysFile) is damaged. Restore it, or remove it: tokens of keys before the last rotation then end."
            )
        }
        return retired
    }

    /// Another key signs from now on. `atOnce`: nothing that was signed before counts any more.
    /// Whole or not at all, but for a key that is listed although it signs still.
    func rotateTokenKey(atOnce: Bool, now: Int) throws(CommandFailure) -> KeyRing {
        let lock = unsafe open(keyDirectory + "/token.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            if lock >= 0 { close(lock) }
            throw CommandFailure("another rotation is under way, or \(keyDirectory) is not ours")
        }
        defer {
            // A child that is being started holds a copy of the descriptor, and the lock by it.
            flock(lock, LOCK_UN)
            close(lock)
        }
        var ring = try keyRing()
        ring.retired = atOnce ? [] : ring.retired.filter { $0.until > now }
        if !atOnce {
            guard ring.retired.count < KeyRing.retiredMax else {
                throw CommandFailure(
                    "\(KeyRing.retiredMax) keys were rotated within a day; wait, or rotate with --at-once"
                )
            }
            let key = LocalToken.jwk(of: ring.signer.publicKey)
            ring.retired.insert(.init(key: key, until: now + KeyRing.lifetimeMax), at: 0)
        }
        let fresh: ES256PrivateKey
        let pem: String
        do throws(CryptoError) {
            fresh = try ES256PrivateKey.generate()
            pem = try fresh.pem()
        } catch {
            throw CommandFailure("no key could be made: \(error)")
        }
        let entries = ring.retired.map { retired -> JSONValue in
            ["key": .object(retired.key), "until": .number(JSONNumber(retired.until))]
        }
        try replace(retiredKeysFile, with: (["keys": .array(entries)] as JSONValue).bytes + [0x0A])
        try replace(tokenKeyFile, with: Array(pem.utf8))
        return KeyRing(signer: fresh, retired: ring.retired)
    }

    private func replace(_ path: String, with bytes: [UInt8]) throws(CommandFailure) {
        // For this user alone, also where it is new.
        try Self.writeNew([], to: path)
        if case .failure(let fault) = FileBytes.replace(path, with: bytes) {
            throw CommandFailure("cannot write \(path): \(SystemText.error(fault.code))")
        }
    }
}
