import JSON

/// Seals what a client is given to bring back (`requestState`), so that it is worth something only
/// here, only to the same caller, for the same call, for a while, and once.
///
/// The text says nothing but how long it is good; all that it stands for goes into the seal and
/// must be said again by the call that brings it back. Opening never tells what was wrong.
package struct RequestSeal: Sendable {
    private static let format: UInt8 = 1
    private static let nonceCount = 16
    /// Format, expiry, nonce, seal.
    private static let byteCount = 1 + 8 + nonceCount + Digest32.byteCount

    private let key: [UInt8]

    /// `key` is the installation's, so that every process of it and every start opens what another
    /// one sealed; other uses of that key give other seals.
    package init(key: [UInt8]) {
        self.key = HMACSHA256.authenticate(Array("toolserver request state".utf8), key: key).bytes
    }

    /// What a sealed text is bound to.
    package struct Binding: Sendable {
        package let digest: Digest32

        /// `matter` is what the client was told, so that an answer belongs to its question.
        init(
            caller: Caller, method: String, tool: GuardedTool, arguments: JSONObject, matter: String
        ) {
            var fields = FieldDigest()
            fields.add(caller.mark.bytes)
            fields.add(method)
            fields.add(tool.tool.name.text)
            fields.add(tool.recordMembers)
            fields.add(JSONValue.object(arguments).canonicalBytes)
            fields.add(matter)
            digest = fields.finish()
        }
    }

    package struct Opened: Sendable {
        package let nonce: [UInt8]
        package let expires: Int

        /// For the record: which question this was, without being worth anything.
        package var id: String { Base64URL.encode(Array(nonce.prefix(9))) }
    }

    package func seal(
        _ binding: Binding, expires: Int
    ) throws(CryptoError) -> (text: String, opened: Opened) {
        let nonce = try randomBytes(Self.nonceCount)
        let head = Self.head(expires: expires, nonce: nonce)
        let text = Base64URL.encode(head + tag(head, binding).bytes)
        return (text, Opened(nonce: nonce, expires: expires))
    }

    /// nil for everything that is not exactly what `seal` gave for this binding, and in time.
    package func open(_ text: String, for binding: Binding, now: Int) -> Opened? {
        guard text.utf8.count < 2 * Self.byteCount, let bytes = Base64URL.decode(text),
            bytes.count == Self.byteCount, bytes[0] == Self.format,
            let tag = Digest32(bytes.suffix(Digest32.byteCount))
        else { return nil }
        let head = Array(bytes.dropLast(Digest32.byteCount))
        guard self.tag(head, binding).isConstantTimeEqual(to: tag) else { return nil }
        let expires = bytes[1..<9].reduce(0) { $0 << 8 | Int($1) }
        guard expires > now else { return nil }
        return Opened(nonce: Array(bytes[9..<9 + Self.nonceCount]), expires: expires)
    }

    private static func head(expires: Int, nonce: [UInt8]) -> [UInt8] {
        [format] + (0..<8).map { UInt8(truncatingIfNeeded: expires >> (56 - 8 * $0)) } + nonce
    }

    private func tag(_ head: [UInt8], _ binding: Binding) -> Digest32 {
        HMACSHA256.authenticate(head + binding.digest.bytes, key: key)
    }
}
