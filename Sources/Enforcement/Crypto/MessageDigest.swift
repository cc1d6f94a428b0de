import COpenSSL

/// Digests that others chose among; what is ours uses `SHA256`.
enum MessageDigest {
    enum Kind: String {
        case sha256 = "SHA256"
        case sha384 = "SHA384"
        case sha512 = "SHA512"
    }

    /// nil when the library fails.
    static func of(_ bytes: [UInt8], by kind: Kind) -> [UInt8]? {
        var length = 0
        let digest = unsafe [UInt8](unsafeUninitializedCapacity: 64) { buffer, initialized in
            let isDone = unsafe EVP_Q_digest(
                nil, kind.rawValue, nil, bytes, bytes.count, buffer.baseAddress, &length)
            initialized = isDone == 1 ? length : 0
        }
        return digest.isEmpty ? nil : digest
    }
}
