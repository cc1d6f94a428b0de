/// Who signs the record now, as text: a verifier key of C2SP signed notes,
/// `name+hex(hash)+base64(0x01 || public key)`.
struct CheckpointKey: Sendable {
    /// The origin of the log, which every key of the log bears as its name.
    let origin: String
    let publicKey: Ed25519PublicKey
    /// The first four bytes of SHA-256(name || 0x0A || 0x01 || public key).
    let hash: [UInt8]

    init(origin: String, publicKey: Ed25519PublicKey) {
        self.origin = origin
        self.publicKey = publicKey
        hash = Array(
            SHA256.digest(Array(origin.utf8) + [0x0A, 0x01] + publicKey.bytes).bytes.prefix(4))
    }

    /// Nil for anything but a complete key whose hash agrees.
    init?(text: String) {
        // A name holds no plus sign; the base64 behind the second one may.
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, Self.isOrigin(String(parts[0])),
            let bytes = Base64.decode(String(parts[2])), bytes.count == 33, bytes[0] == 1,
            let publicKey = try? Ed25519PublicKey(Array(bytes[1...]))
        else { return nil }
        self.init(origin: String(parts[0]), publicKey: publicKey)
        guard self.text.utf8.elementsEqual(text.utf8) else { return nil }
    }

    var text: String {
        "\(origin)+\(Hex.encode(hash))+\(Base64.encode([1] + publicKey.bytes))"
    }

    /// Letters that need no escape in JSON, in a note or in a URL.
    static func isOrigin(_ text: String) -> Bool {
        (1...200).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                    UInt8(ascii: "_"), UInt8(ascii: "/"), UInt8(ascii: ":"):
                    true
                default: false
                }
            }
    }
}

/// A C2SP signed note, as it stands inside a JSON string.
///
/// A note is made of a text and one signature over it. All notes of the record have a fixed form,
/// so a checker makes the bytes that must be there and compares, instead of parsing what is there.
struct CheckpointNote: Sendable {
    /// base64(key hash || signature) of 4 + 64 bytes.
    static let signatureLength = 92

    /// The signed text, with its last line feed.
    let text: [UInt8]

    static func checkpoint(origin: String, size: Int, root: [UInt8]) -> CheckpointNote {
        CheckpointNote(text: Array("\(origin)\n\(size)\n".utf8) + root + [0x0A])
    }

    /// The old key hands over to `key`. The second line is no number, so that no such note can
    /// pass for a checkpoint; `size` keeps it from being replayed elsewhere in the log.
    static func epoch(_ number: Int, at size: Int, key: CheckpointKey) -> CheckpointNote {
        CheckpointNote(
            text: Array("\(key.origin)\nepoch \(number) at \(size)\n\(key.text)\n".utf8))
    }

    /// The inside of the JSON string up to the signature.
    func opening(origin: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count + 64)
        for byte in text {
            if byte == 0x0A { bytes += [0x5C, 0x6E] } else { bytes.append(byte) }
        }
        return bytes + Array("\\n— \(origin) ".utf8)
    }

    /// As a file of its own holds it.
    func whole(origin: String, _ signature: [UInt8]) -> String {
        String(decoding: text, as: UTF8.self)
            + "\n— \(origin) \(String(decoding: signature, as: UTF8.self))\n"
    }

    func signature(by key: Ed25519PrivateKey, as public: CheckpointKey) throws(CryptoError)
        -> [UInt8]
    {
        Base64.encodedBytes(`public`.hash + (try key.sign(text)))
    }

    func isSigned(_ signature: ArraySlice<UInt8>, by key: CheckpointKey) -> Bool {
        guard let bytes = Base64.decode(signature), bytes.count == 68,
            bytes.starts(with: key.hash)
        else { return false }
        return key.publicKey.isValid(Array(bytes[4...]), for: text)
    }
}
