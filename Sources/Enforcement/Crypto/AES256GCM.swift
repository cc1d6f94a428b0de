import COpenSSL

/// AES-256-GCM (NIST SP 800-38D). No key may see a nonce twice; that is the caller's to see to.
enum AES256GCM {
    static let nonceBytes = 12
    static let tagBytes = 16

    /// What is encrypted, and behind it the tag, which covers `context` too.
    static func seal(
        _ plain: [UInt8], key: Digest32, nonce: [UInt8], context: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        try CipherHandle().seal(plain, key.bytes, nonce, context)
    }

    /// Nil where it is not what was sealed with this key, nonce and context.
    static func open(
        _ sealed: ArraySlice<UInt8>, key: Digest32, nonce: [UInt8], context: [UInt8]
    ) throws(CryptoError) -> [UInt8]? {
        try CipherHandle().open(sealed, key.bytes, nonce, context)
    }
}

/// Owns one EVP_CIPHER_CTX.
@safe private final class CipherHandle {
    private let handle: OpaquePointer

    init() throws(CryptoError) {
        guard let handle = unsafe EVP_CIPHER_CTX_new() else { throw .unavailable }
        unsafe self.handle = handle
    }

    deinit { unsafe EVP_CIPHER_CTX_free(handle) }

    func seal(
        _ plain: [UInt8], _ key: [UInt8], _ nonce: [UInt8], _ context: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        precondition(nonce.count == AES256GCM.nonceBytes && plain.count <= 1 << 30)
        var count: Int32 = 0
        guard unsafe EVP_EncryptInit_ex2(handle, EVP_aes_256_gcm(), key, nonce, nil) == 1,
            unsafe EVP_EncryptUpdate(handle, nil, &count, context, Int32(context.count)) == 1
        else { throw .unavailable }
        let whole = plain.count + AES256GCM.tagBytes
        let sealed = unsafe [UInt8](unsafeUninitializedCapacity: whole) { buffer, initialized in
            guard let out = buffer.baseAddress,
                unsafe EVP_EncryptUpdate(handle, out, &count, plain, Int32(plain.count)) == 1,
                Int(count) == plain.count,
                unsafe EVP_EncryptFinal_ex(handle, out + plain.count, &count) == 1,
                unsafe EVP_CIPHER_CTX_ctrl(
                    handle, EVP_CTRL_AEAD_GET_TAG, Int32(AES256GCM.tagBytes), out + plain.count)
                    == 1
            else { return }
            initialized = whole
        }
        guard sealed.count == whole else { throw .unavailable }
        return sealed
    }

    func open(
        _ sealed: ArraySlice<UInt8>, _ key: [UInt8], _ nonce: [UInt8], _ context: [UInt8]
    ) throws(CryptoError) -> [UInt8]? {
        precondition(nonce.count == AES256GCM.nonceBytes && sealed.count <= 1 << 30)
        guard sealed.count >= AES256GCM.tagBytes else { return nil }
        let cipher = Array(sealed.dropLast(AES256GCM.tagBytes))
        var tag = Array(sealed.suffix(AES256GCM.tagBytes))
        var count: Int32 = 0
        guard unsafe EVP_DecryptInit_ex2(handle, EVP_aes_256_gcm(), key, nonce, nil) == 1,
            unsafe EVP_DecryptUpdate(handle, nil, &count, context, Int32(context.count)) == 1,
            unsafe EVP_CIPHER_CTX_ctrl(
                handle, EVP_CTRL_AEAD_SET_TAG, Int32(AES256GCM.tagBytes), &tag) == 1
        else { throw .unavailable }
        var isWhole = false
        // Room for the last piece, which is none; without it there is no address to write to.
        let plain = unsafe [UInt8](unsafeUninitializedCapacity: cipher.count + 1) {
            buffer, initialized in
            guard let out = buffer.baseAddress,
                unsafe EVP_DecryptUpdate(handle, out, &count, cipher, Int32(cipher.count)) == 1,
                Int(count) == cipher.count
            else { return }
            isWhole = unsafe EVP_DecryptFinal_ex(handle, out + cipher.count, &count) == 1
            // What does not prove itself is not shown.
            initialized = isWhole ? cipher.count : 0
        }
        ERR_clear_error()
        return isWhole ? plain : nil
    }
}
