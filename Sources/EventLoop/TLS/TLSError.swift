/// Why there is no secure connection, or no settings for one. Never OpenSSL's own text: it may
/// quote the bytes of a key, and it changes from version to version.
package enum TLSError: Error, Equatable, Sendable {
    // Settings.
    case badCertificate
    case badKey
    /// The key is not that of the first certificate.
    case otherKey
    case badAuthority
    case noSystemTrust
    /// OpenSSL failed: no memory, no random source, a library without what is asked of it.
    case unavailable

    // A connection.
    case untrusted
    case otherName
    case outsideValidity
    /// Refused for a reason that the three before do not name.
    case certificateRefused
    /// The other side wants another certificate than ours, or wants one at all.
    case ownCertificateRefused
    /// No version, cipher or protocol that both sides allow.
    case nothingInCommon
    case handshakeFailed
    /// The other side does not speak TLS.
    case plainText
    /// The stream ended without saying so: what came may not be all.
    case truncated
    case broken
}

extension TLSError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .badCertificate: "the certificate file holds no PEM certificate that can be used"
        case .badKey: "the key file holds no PEM private key without a passphrase"
        case .otherKey: "the key does not belong to the first certificate of the file"
        case .badAuthority: "the file of authorities holds no PEM certificate that can be used"
        case .noSystemTrust: "the system's list of trusted authorities cannot be read"
        case .unavailable: "the TLS library could not be set up"
        case .untrusted: "its certificate comes from no authority that is trusted here"
        case .otherName: "its certificate is for another name"
        case .outsideValidity: "its certificate has expired or is not valid yet"
        case .certificateRefused: "its certificate cannot be accepted"
        case .ownCertificateRefused: "it does not accept our certificate, or asks for one"
        case .nothingInCommon: "it offers no TLS version and cipher that are allowed here"
        case .handshakeFailed: "the TLS handshake failed"
        case .plainText: "it does not speak TLS on this port"
        case .truncated: "the connection ended in the middle"
        case .broken: "the connection broke"
        }
    }
}
