import COpenSSL
import Glibc

// TLS by OpenSSL. It answers: what do we offer, whom do we believe, whom do we present ourselves
// as? It must never go below TLS 1.2, never take a cipher without forward secrecy, and never go on
// with a certificate that was not verified.
//
// A context is made once and used by every connection; making one reads files and parses
// certificates. New certificates are a new context: connections keep the one they began with.

/// Owns one SSL_CTX.
///
/// Sendable: it is not changed after `init`; OpenSSL counts its references atomically and locks the
/// list of sessions in it.
@safe final class TLSContext: @unchecked Sendable {
    /// TLS 1.2; those of 1.3 are all sound. Forward secrecy and authenticated encryption only.
    private static let ciphers =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
        + "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
        + "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
    private static let depthMax: Int32 = 8

    private let pointer: OpaquePointer

    init(isServer: Bool) throws(TLSError) {
        let method = unsafe isServer ? TLS_server_method() : TLS_client_method()
        guard let context = unsafe SSL_CTX_new(method) else { throw .unavailable }
        unsafe pointer = context
        guard unsafe copenssl_harden(context) == 1,
            unsafe SSL_CTX_set_cipher_list(context, Self.ciphers) == 1
        else { throw .unavailable }
        unsafe SSL_CTX_set_verify_depth(context, Self.depthMax)
    }

    deinit { unsafe SSL_CTX_free(pointer) }

    func present(_ identity: TLSIdentity) throws(TLSError) {
        guard let chain = TLSCertificates(pem: identity.chain), unsafe chain.present(in: pointer)
        else {
            ERR_clear_error()
            throw .badCertificate
        }
        guard let key = unsafe Self.readKey(identity.key) else { throw .badKey }
        defer { unsafe EVP_PKEY_free(key) }
        guard unsafe SSL_CTX_use_PrivateKey(pointer, key) == 1,
            unsafe SSL_CTX_check_private_key(pointer) == 1
        else {
            ERR_clear_error()
            throw .otherKey
        }
    }

    private static func readKey(_ pem: [UInt8]) -> OpaquePointer? {
        guard let bio = unsafe BIO_new_mem_buf(pem, Int32(clamping: pem.count)) else { return nil }
        defer { unsafe BIO_free_all(bio) }
        defer { ERR_clear_error() }
        return unsafe withExtendedLifetime(pem) { unsafe copenssl_read_private_key(bio) }
    }

    func trust(_ authorities: [UInt8], announcing: Bool) throws(TLSError) {
        guard let list = TLSCertificates(pem: authorities), unsafe list.trust(in: pointer),
            unsafe !announcing || list.announce(in: pointer)
        else {
            ERR_clear_error()
            throw .badAuthority
        }
        // Who is on the list is trusted, also where it is not the root of its chain.
        let parameters = unsafe SSL_CTX_get0_param(pointer)
        unsafe X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_PARTIAL_CHAIN))
    }

    func trustSystem() throws(TLSError) {
        guard unsafe SSL_CTX_set_default_verify_paths(pointer) == 1 else {
            ERR_clear_error()
            throw .noSystemTrust
        }
    }

    /// Without a callback of ours: what OpenSSL finds wrong ends the handshake.
    func verifyPeer(_ isDemanded: Bool) {
        let demand = isDemanded ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
        unsafe SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | demand, nil)
    }

    func serveHTTP() { unsafe copenssl_serve_http(pointer) }

    /// `name` as in RFC 7301, such as "http/1.1".
    func offer(_ name: String) throws(TLSError) {
        let list = [UInt8(truncatingIfNeeded: name.utf8.count)] + Array(name.utf8)
        guard name.utf8.count < 256,
            unsafe SSL_CTX_set_alpn_protos(pointer, list, UInt32(list.count)) == 0
        else { throw .unavailable }
    }

    func keepSessions(isServer: Bool, atMost count: Int, for duration: Int = 600) {
        unsafe copenssl_keep_sessions(pointer, isServer ? 1 : 0, count)
        unsafe SSL_CTX_set_timeout(pointer, duration)
        let scope = Array("toolserver".utf8)
        unsafe _ = SSL_CTX_set_session_id_context(pointer, scope, UInt32(scope.count))
    }

    /// The session that is made counts as a user of this context.
    func makeSession() throws(TLSError) -> OpaquePointer {
        guard let session = unsafe SSL_new(pointer) else {
            ERR_clear_error()
            throw .unavailable
        }
        return unsafe session
    }
}
