import COpenSSL

/// Owns one EVP_PKEY.
///
/// Sendable: an EVP_PKEY is not changed after it was made; OpenSSL locks its inner caches and
/// counts its references atomically, and every operation below uses a context of its own.
@safe final class KeyHandle: @unchecked Sendable {
    private let pointer: OpaquePointer

    /// Takes over the reference that `pointer` holds.
    init(owning pointer: OpaquePointer?) throws(CryptoError) {
        guard let pointer = unsafe pointer else {
            ERR_clear_error()
            throw .invalidKey
        }
        unsafe self.pointer = pointer
    }

    deinit { unsafe EVP_PKEY_free(pointer) }

    /// Refuses a point that is not on the curve; the hostile case has a test.
    convenience init(curve: Curve, point: [UInt8]) throws(CryptoError) {
        try unsafe self.init(
            owning: copenssl_ec_public(curve.openSSLName, point, point.count))
    }

    /// 32 bytes, as in RFC 8032.
    convenience init(ed25519 bytes: [UInt8]) throws(CryptoError) {
        try unsafe self.init(
            owning: EVP_PKEY_new_raw_public_key_ex(nil, "ED25519", nil, bytes, bytes.count))
    }

    /// Big-endian numbers.
    convenience init(modulus: [UInt8], exponent: [UInt8]) throws(CryptoError) {
        try unsafe self.init(
            owning: copenssl_rsa_public(
                modulus, Int32(clamping: modulus.count), exponent, Int32(clamping: exponent.count)))
    }

    var kind: Int32 { unsafe EVP_PKEY_get_base_id(pointer) }

    /// PKCS#8, unencrypted.
    static func reading(pem: String) throws(CryptoError) -> KeyHandle {
        let bytes = Array(pem.utf8)
        guard let bio = unsafe BIO_new_mem_buf(bytes, Int32(clamping: bytes.count)) else {
            throw .unavailable
        }
        defer { unsafe BIO_free_all(bio) }
        // The memory BIO reads `bytes` in place: they must outlive it.
        return try withExtendedLifetime(bytes) { () throws(CryptoError) in
            try unsafe KeyHandle(owning: copenssl_read_private_key(bio))
        }
    }

    func pem() throws(CryptoError) -> String {
        guard let bio = unsafe BIO_new(BIO_s_secmem()) else { throw .unavailable }
        defer { unsafe BIO_free_all(bio) }
        guard unsafe copenssl_write_private_key(bio, pointer) == 1 else { throw .unavailable }
        let text = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, initialized in
            let count = unsafe BIO_read(bio, buffer.baseAddress, 4096)
            initialized = max(0, Int(count))
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The public half as raw bytes: 32 for Ed25519, 65 (uncompressed point) for P-256.
    func publicOctets(_ count: Int) throws(CryptoError) -> [UInt8] {
        var length = count
        var result: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            if kind == EVP_PKEY_EC {
                result = unsafe EVP_PKEY_get_octet_string_param(
                    pointer, OSSL_PKEY_PARAM_PUB_KEY, buffer.baseAddress, count, &length)
            } else {
                result = unsafe EVP_PKEY_get_raw_public_key(pointer, buffer.baseAddress, &length)
            }
            initialized = result == 1 ? min(length, count) : 0
        }
        guard result == 1, bytes.count == count else { throw .invalidKey }
        return bytes
    }

    /// A number of the public half, big-endian, without zeros before it.
    func number(_ name: String) throws(CryptoError) -> [UInt8] {
        var number: OpaquePointer?
        guard unsafe EVP_PKEY_get_bn_param(pointer, name, &number) == 1 else { throw .invalidKey }
        defer { unsafe BN_free(number) }
        let count = unsafe Int(copenssl_number_size(number))
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = unsafe Int(BN_bn2bin(number, buffer.baseAddress))
        }
    }

    /// `digest` nil for algorithms that hash by themselves (Ed25519).
    func sign(_ message: [UInt8], digest: String?, limit: Int) throws(CryptoError) -> [UInt8] {
        guard let context = unsafe EVP_MD_CTX_new() else { throw .unavailable }
        defer { unsafe EVP_MD_CTX_free(context) }
        var length = limit
        var result: Int32 = 0
        let signature = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
            result = unsafe EVP_DigestSignInit_ex(context, nil, digest, nil, nil, pointer, nil)
            if result == 1 {
                result = unsafe EVP_DigestSign(
                    context, buffer.baseAddress, &length, message, message.count)
            }
            initialized = result == 1 ? min(length, limit) : 0
        }
        guard result == 1 else { throw .unavailable }
        return signature
    }

    /// With `isPSS` the salt must be as long as the digest (RFC 7518 section 3.5).
    func isValid(
        _ signature: [UInt8], for message: [UInt8], digest: String?, isPSS: Bool = false
    ) -> Bool {
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        var options: OpaquePointer?
        guard
            unsafe EVP_DigestVerifyInit_ex(context, &options, digest, nil, nil, pointer, nil) == 1,
            unsafe !isPSS
                || EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1
                    && EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1,
            unsafe EVP_DigestVerify(
                context, signature, signature.count, message, message.count) == 1
        else {
            ERR_clear_error()
            return false
        }
        return true
    }

    var curve: Curve? {
        var name = [CChar](repeating: 0, count: 32)
        var length = 0
        guard kind == EVP_PKEY_EC,
            unsafe EVP_PKEY_get_group_name(pointer, &name, name.count, &length) == 1
        else { return nil }
        return Curve.allCases.first { curve in
            name.prefix(length).elementsEqual(curve.openSSLName.utf8.map { CChar($0) })
        }
    }
}
