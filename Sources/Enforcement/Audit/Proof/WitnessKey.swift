import JSON

/// Who cosigns checkpoints: a C2SP verifier key of the kind `cosignature/v1`,
/// `name+hex(hash)+base64(0x04 || public key)`.
package struct WitnessKey: Sendable {
    package let name: String
    private let publicKey: Ed25519PublicKey
    private let hash: [UInt8]
    private static let kind: UInt8 = 4

    package init(name: String, publicKey: Ed25519PublicKey) {
        self.name = name
        self.publicKey = publicKey
        let hashed = Array(name.utf8) + [0x0A, Self.kind] + publicKey.bytes
        hash = Array(SHA256.digest(hashed).bytes.prefix(4))
    }

    /// Nil for anything but a complete key whose hash agrees.
    package init?(text: String) {
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, (1...200).contains(parts[0].utf8.count),
            parts[0].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            let bytes = Base64.decode(String(parts[2])), bytes.count == 33, bytes[0] == Self.kind,
            let publicKey = try? Ed25519PublicKey(Array(bytes[1...]))
        else { return nil }
        self.init(name: String(parts[0]), publicKey: publicKey)
        guard self.text.isByteEqual(to: text) else { return nil }
    }

    package var text: String {
        "\(name)+\(Hex.encode(hash))+\(Base64.encode([Self.kind] + publicKey.bytes))"
    }

    /// The first line of an answer by which this witness vouches for the checkpoint; nil where none
    /// does.
    package func cosignature(in answer: [UInt8], over end: LogEnd) -> String? {
        for line in answer.split(separator: 0x0A) {
            let start = Array("— \(name) ".utf8)
            guard line.starts(with: start),
                let bytes = Base64.decode(line.dropFirst(start.count)), bytes.count == 76,
                bytes.starts(with: hash)
            else { continue }
            let time = bytes[4..<12].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let message = Array("cosignature/v1\ntime \(time)\n".utf8) + end.text
            if time > 0, publicKey.isValid(Array(bytes[12...]), for: message) {
                return String(decoding: line, as: UTF8.self)
            }
        }
        return nil
    }
}

/// By what witnesses know whose checkpoints these are. The keys of the record change with each
/// start; this one stays, so that nobody has to be told. It proves nothing about the record, and
/// no reader of it takes it for one of its keys.
package struct WitnessedLogKey: Sendable {
    private let privateKey: Ed25519PrivateKey
    private let key: CheckpointKey

    package init(_ privateKey: Ed25519PrivateKey, origin: String) {
        self.privateKey = privateKey
        key = CheckpointKey(origin: origin, publicKey: privateKey.publicKey)
    }

    /// The verifier key to be given to those who run a witness.
    package var text: String { key.text }

    /// The note with this key's signature beside the record's.
    package func note(of end: LogEnd) throws(CryptoError) -> String {
        let signature = try CheckpointNote(text: end.text).signature(by: privateKey, as: key)
        return end.note + "— \(key.origin) \(String(decoding: signature, as: UTF8.self))\n"
    }
}
