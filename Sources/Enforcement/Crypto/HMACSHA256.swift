import COpenSSL

/// HMAC-SHA-256 (RFC 2104).
package enum HMACSHA256 {
    package static func authenticate(_ message: [UInt8], key: [UInt8]) -> Digest32 {
        var tag = Digest32()
        var written = false
        unsafe tag.withMutableBytes { buffer in
            written =
                unsafe HMAC(
                    EVP_sha256(), key, Int32(clamping: key.count), message, message.count,
                    buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), nil) != nil
        }
        precondition(written, "HMAC-SHA-256 cannot be computed")
        return tag
    }

    /// In constant time.
    package static func isValid(_ tag: Digest32, for message: [UInt8], key: [UInt8]) -> Bool {
        authenticate(message, key: key).isConstantTimeEqual(to: tag)
    }
}

/// A key whose two pads are hashed once: what is left is two blocks a short message, and no
/// look-up of an algorithm.
package struct HMACKey: Sendable {
    private let inner: copenssl_sha256_state
    private let outer: copenssl_sha256_state

    /// At most 64 bytes, the block of SHA-256.
    package init(_ key: [UInt8]) {
        precondition(key.count <= 64, "a longer key is hashed first")
        inner = unsafe copenssl_sha256_padded(key, key.count, 0x36)
        outer = unsafe copenssl_sha256_padded(key, key.count, 0x5C)
    }

    package func authenticate(_ message: [UInt8]) -> Digest32 {
        var tag = Digest32()
        unsafe tag.withMutableBytes { buffer in
            unsafe copenssl_hmac_sha256(
                inner, outer, message, message.count,
                buffer.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
        return tag
    }
}
