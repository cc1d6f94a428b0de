import COpenSSL
import JSON

/// The public keys of X.509 certificates, where a certificate is no more than the way in which a
/// key was handed over: its names, its dates and who signed it say nothing here.
package enum CertificateKeys {
    private static let countMax = 20

    /// From PEM text; nil when there is none, too many, one that is damaged, or one whose key may
    /// not verify signatures here.
    package static func read(pem: [UInt8]) -> [VerificationKey]? {
        unsafe each(pem) { certificate in try? unsafe key(of: certificate) }
    }

    /// Of certificates that may vouch for others: nil when there is none, too many, one that is
    /// damaged, or one that may not.
    package static func authorities(pem: [UInt8]) -> Set<Digest32>? {
        let read = unsafe each(pem) { certificate -> Digest32? in
            guard unsafe X509_check_ca(certificate) > 0 else { return nil }
            return unsafe thumbprint(of: certificate)
        }
        return read.map { Set($0) }
    }

    private static func each<Value>(
        _ pem: [UInt8], _ read: (OpaquePointer) -> Value?
    ) -> [Value]? {
        guard let bio = unsafe BIO_new_mem_buf(pem, Int32(clamping: pem.count)) else { return nil }
        defer {
            unsafe BIO_free_all(bio)
            ERR_clear_error()
        }
        var values: [Value] = []
        // The memory BIO reads `pem` in place: it must outlive it.
        let isWhole = withExtendedLifetime(pem) {
            while let certificate = unsafe copenssl_read_certificate(bio) {
                defer { unsafe X509_free(certificate) }
                guard values.count < countMax, let value = unsafe read(certificate) else {
                    return false
                }
                values.append(value)
            }
            return copenssl_is_at_end_of_pem() == 1
        }
        return isWhole && !values.isEmpty ? values : nil
    }

    private static func thumbprint(of certificate: OpaquePointer) -> Digest32? {
        var digest = Digest32()
        let isDone = unsafe digest.withMutableBytes { buffer in
            unsafe X509_digest(
                certificate, EVP_sha256(), buffer.baseAddress?.assumingMemoryBound(to: UInt8.self),
                nil)
        }
        return isDone == 1 ? digest : nil
    }

    /// By way of a JWK, so that one place says which keys are good enough.
    private static func key(of certificate: OpaquePointer) throws(CryptoError) -> VerificationKey {
        let handle = try unsafe KeyHandle(owning: X509_get_pubkey(certificate))
        func text(_ bytes: [UInt8], size: Int = 0) -> JSONValue {
            let zeros = [UInt8](repeating: 0, count: max(0, size - bytes.count))
            return .string(Base64URL.encode(zeros + bytes))
        }
        if let curve = handle.curve {
            return try VerificationKey(
                jwk: JSONObject(distinct: [
                    ("kty", "EC"), ("crv", .string(curve.rawValue)),
                    ("x", text(try handle.number(OSSL_PKEY_PARAM_EC_PUB_X), size: curve.size)),
                    ("y", text(try handle.number(OSSL_PKEY_PARAM_EC_PUB_Y), size: curve.size)),
                ]))
        }
        guard handle.kind == EVP_PKEY_RSA else { throw .invalidKey }
        return try VerificationKey(
            jwk: JSONObject(distinct: [
                ("kty", "RSA"), ("n", text(try handle.number(OSSL_PKEY_PARAM_RSA_N))),
                ("e", text(try handle.number(OSSL_PKEY_PARAM_RSA_E))),
            ]))
    }
}
