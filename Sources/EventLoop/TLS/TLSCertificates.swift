import COpenSSL

/// A certificate with what it needs to be believed, and its key: PEM as it stands in files.
package struct TLSIdentity: Sendable {
    /// The certificate itself first, then those between it and its authority.
    let chain: [UInt8]
    let key: [UInt8]

    package init(chain: [UInt8], key: [UInt8]) {
        self.chain = chain
        self.key = key
    }
}

/// Owns X509 handles that were read from PEM text.
@safe final class TLSCertificates {
    /// Chains and lists of authorities beyond this are a mistake or an attack.
    private static let countMax = 1_000

    private var pointers: [OpaquePointer] = unsafe []

    /// Nil when there is none, too many, or one that is damaged.
    init?(pem: [UInt8]) {
        guard let bio = unsafe BIO_new_mem_buf(pem, Int32(clamping: pem.count)) else { return nil }
        defer { unsafe BIO_free_all(bio) }
        // The memory BIO reads `pem` in place: it must outlive it.
        let isWhole = withExtendedLifetime(pem) { unsafe readAll(bio) }
        ERR_clear_error()
        guard isWhole, unsafe !pointers.isEmpty else { return nil }
    }

    deinit { unsafe pointers.forEach { unsafe X509_free($0) } }

    private func readAll(_ bio: OpaquePointer) -> Bool {
        while let certificate = unsafe copenssl_read_certificate(bio) {
            unsafe pointers.append(certificate)
            guard unsafe pointers.count <= Self.countMax else { return false }
        }
        return copenssl_is_at_end_of_pem() == 1
    }

    /// Those who may vouch for the other side.
    func trust(in context: OpaquePointer) -> Bool {
        guard let store = unsafe SSL_CTX_get_cert_store(context) else { return false }
        return unsafe pointers.allSatisfy { unsafe X509_STORE_add_cert(store, $0) == 1 }
    }

    /// A server tells which authorities its clients' certificates may come from.
    func announce(in context: OpaquePointer) -> Bool {
        unsafe pointers.allSatisfy { unsafe SSL_CTX_add_client_CA(context, $0) == 1 }
    }

    func present(in context: OpaquePointer) -> Bool {
        guard let own = unsafe pointers.first,
            unsafe SSL_CTX_use_certificate(context, own) == 1
        else { return false }
        return unsafe pointers.dropFirst().allSatisfy {
            unsafe copenssl_add_chain(context, $0) == 1
        }
    }
}
