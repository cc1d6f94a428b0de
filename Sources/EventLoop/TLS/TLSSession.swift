import COpenSSL
import Glibc

/// TLS on one connected, non-blocking socket. It does not own the socket and never waits: what must
/// wait for the socket says `.wouldBlock` and is called again after *any* event of it, since TLS
/// may have to read before it can write, and the other way round.
///
/// Belongs to one loop. After `.failed` nothing more is sent or believed.
@safe package final class TLSSession {
    package enum Outcome: Equatable {
        case done(Int)
        case wouldBlock
        /// The other side has said that this is the end.
        case ended
        case failed(TLSError)
    }

    private let pointer: OpaquePointer
    private let isClient: Bool
    private var failure: TLSError?

    /// Our side of a connection that was accepted.
    init(_ server: TLSServerContext, socket: Int32) throws(TLSError) {
        unsafe pointer = try server.context.makeSession()
        isClient = false
        guard unsafe SSL_set_fd(pointer, socket) == 1 else { throw .unavailable }
        unsafe SSL_set_accept_state(pointer)
    }

    /// Our side of a connection that we opened to `name`: a DNS name or a numeric address, which
    /// the server's certificate must name. The common name of its subject does not count (RFC
    /// 9525).
    init(
        _ client: TLSClientContext, name: String, resuming: TLSResumption?, socket: Int32
    ) throws(TLSError) {
        unsafe pointer = try client.context.makeSession()
        isClient = true
        guard !name.utf8.isEmpty, !name.utf8.contains(0) else { throw .otherName }
        let parameters = unsafe SSL_get0_param(pointer)
        unsafe X509_VERIFY_PARAM_set_hostflags(
            parameters,
            UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
        let isSet =
            if SocketAddress(ip: name, port: 0) != nil {
                unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, name) == 1
            } else {
                unsafe SSL_set1_host(pointer, name) == 1
                    && copenssl_set_server_name(pointer, name) == 1
            }
        guard isSet, unsafe SSL_set_fd(pointer, socket) == 1 else { throw .unavailable }
        unsafe resuming?.offer(in: pointer)
        unsafe SSL_set_connect_state(pointer)
    }

    deinit {
        // OpenSSL forgets a session whose connection just stops; most clients just stop.
        if failure == nil { unsafe SSL_set_shutdown(pointer, SSL_SENT_SHUTDOWN) }
        unsafe SSL_free(pointer)
    }

    /// `.done` when both sides have agreed, and the other side's certificate, where there is one,
    /// was verified.
    package func handshake() -> Outcome {
        let outcome = attempt { unsafe SSL_do_handshake(pointer) }
        guard case .done = outcome else { return outcome }
        guard unsafe SSL_get_verify_result(pointer) == Int(X509_V_OK) else {
            return fail(.certificateRefused)
        }
        return .done(0)
    }

    func receive(into bytes: UnsafeMutableRawBufferPointer) -> Outcome {
        attempt { unsafe SSL_read(pointer, bytes.baseAddress, Int32(clamping: bytes.count)) }
    }

    /// As much as the socket takes. After `.wouldBlock` the same bytes, or these and more, must be
    /// given again: OpenSSL has encrypted the first of them already.
    package func send(_ bytes: [UInt8], from start: Int) -> Outcome {
        var sent = 0
        while start + sent < bytes.count {
            let outcome = unsafe bytes.withUnsafeBytes { all in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: all[(start + sent)...])
                return attempt {
                    unsafe SSL_write(pointer, rest.baseAddress, Int32(clamping: rest.count))
                }
            }
            switch outcome {
            case .done(let count): sent += count
            case .wouldBlock where sent > 0: return .done(sent)
            case .wouldBlock, .ended, .failed: return outcome
            }
        }
        return .done(sent)
    }

    /// Says that no more will come. Best effort: a full socket loses it.
    package func sendEnd() {
        guard failure == nil, unsafe SSL_is_init_finished(pointer) == 1 else { return }
        unsafe _ = SSL_shutdown(pointer)
        ERR_clear_error()
    }

    /// What makes the next handshake with the same server cheap, once this one has been used.
    func resumption() -> TLSResumption? {
        failure == nil ? unsafe TLSResumption(of: pointer) : nil
    }

    package var wasResumed: Bool { unsafe SSL_session_reused(pointer) == 1 }

    /// "TLSv1.3", for what is shown and recorded.
    package var version: String {
        unsafe SSL_get_version(pointer).map { unsafe String(cString: $0) } ?? ""
    }

    /// The other side's verified certificate; nil where it showed none.
    func peerCertificate() -> TLSPeerCertificate? {
        guard let certificate = unsafe SSL_get1_peer_certificate(pointer) else { return nil }
        defer { unsafe X509_free(certificate) }
        let chain = unsafe (0..<copenssl_verified_count(pointer)).dropFirst().compactMap {
            unsafe copenssl_verified(pointer, $0)
        }
        return unsafe TLSPeerCertificate(certificate, below: chain)
    }

    // MARK: Outcomes

    private func attempt(_ body: () -> Int32) -> Outcome {
        if let failure { return .failed(failure) }
        // The list of errors is the thread's: what another connection left there is not ours.
        ERR_clear_error()
        let result = body()
        if result > 0 { return .done(Int(result)) }
        switch unsafe SSL_get_error(pointer, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wouldBlock
        case SSL_ERROR_ZERO_RETURN: return .ended
        case SSL_ERROR_SSL: return fail(reason())
        default: return fail(.broken)
        }
    }

    private func fail(_ error: TLSError) -> Outcome {
        failure = error
        ERR_clear_error()
        return .failed(error)
    }

    private func reason() -> TLSError {
        let error = ERR_peek_error()
        guard ERR_GET_LIB(error) == ERR_LIB_SSL else { return .broken }
        switch ERR_GET_REASON(error) {
        case SSL_R_CERTIFICATE_VERIFY_FAILED: return verifyFailure()
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return .certificateRefused
        case SSL_R_UNEXPECTED_EOF_WHILE_READING: return .truncated
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST: return .plainText
        // What is no TLS record at all; a record of TLS of a version that we refuse is below.
        case SSL_R_WRONG_VERSION_NUMBER where isClient: return .plainText
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_NO_SHARED_CIPHER, SSL_R_WRONG_VERSION_NUMBER,
            SSL_R_VERSION_TOO_LOW, SSL_R_NO_APPLICATION_PROTOCOL,
            alert(SSL_AD_PROTOCOL_VERSION), alert(SSL_AD_HANDSHAKE_FAILURE),
            alert(SSL_AD_NO_APPLICATION_PROTOCOL), alert(SSL_AD_INSUFFICIENT_SECURITY):
            return .nothingInCommon
        case alert(SSL_AD_BAD_CERTIFICATE), alert(SSL_AD_UNSUPPORTED_CERTIFICATE),
            alert(SSL_AD_CERTIFICATE_REVOKED), alert(SSL_AD_CERTIFICATE_EXPIRED),
            alert(SSL_AD_CERTIFICATE_UNKNOWN), alert(SSL_AD_UNKNOWN_CA),
            alert(SSL_AD_ACCESS_DENIED), alert(SSL_AD_CERTIFICATE_REQUIRED):
            return .ownCertificateRefused
        default:
            return unsafe SSL_is_init_finished(pointer) == 1 ? .broken : .handshakeFailed
        }
    }

    /// The reason that OpenSSL gives for an alert that the other side sent.
    private func alert(_ number: Int32) -> Int32 { SSL_AD_REASON_OFFSET + number }

    private func verifyFailure() -> TLSError {
        switch Int32(truncatingIfNeeded: unsafe SSL_get_verify_result(pointer)) {
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: .otherName
        case X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID: .outsideValidity
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED:
            .untrusted
        default: .certificateRefused
        }
    }
}
