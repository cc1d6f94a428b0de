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
