import COpenSSL

/// Who the other side of a connection has proved to be: the certificate itself, after its chain,
/// its time and its purpose were verified and the key was shown to be there.
package final class TLSPeerCertificate: Sendable {
    /// SHA-256 of the certificate's DER: `x5t#S256` of RFC 8705 before its base64url.
    package let thumbprint: [UInt8]
    /// As in RFC 2253, and cut where it is longer than anybody's name.
    package let subject: String
    /// Subject alternative names as they stand in the certificate: bytes, never compared as text.
    package let dnsNames: [[UInt8]]
    package let emails: [[UInt8]]
    package let uris: [[UInt8]]
    /// 4 or 16 bytes each.
    package let addresses: [[UInt8]]

    private static let subjectBytesMax = 1_024
    private static let namesMax = 64

    /// Reads `certificate`, and keeps no reference to it. Nil when it cannot be read.
    init?(_ certificate: OpaquePointer) {
        var length: UInt32 = 0
        thumbprint = unsafe [UInt8](unsafeUninitializedCapacity: 32) { buffer, initialized in
            let isDone = unsafe X509_digest(certificate, EVP_sha256(), buffer.baseAddress, &length)
            initialized = isDone == 1 && length == 32 ? 32 : 0
        }
        guard thumbprint.count == 32 else { return nil }
        subject = unsafe Self.subject(of: certificate)
        let names = unsafe copenssl_names(certificate)
        defer { unsafe GENERAL_NAMES_free(names) }
        let all = unsafe Self.all(names)
        dnsNames = all.filter { $0.kind == GEN_DNS }.map(\.bytes)
        emails = all.filter { $0.kind == GEN_EMAIL }.map(\.bytes)
        uris = all.filter { $0.kind == GEN_URI }.map(\.bytes)
        addresses = all.filter { $0.kind == GEN_IPADD }.map(\.bytes)
    }

    private static func all(_ names: OpaquePointer?) -> [(kind: Int32, bytes: [UInt8])] {
        let count = unsafe min(copenssl_name_count(names), Int32(namesMax))
        return (0..<count).compactMap { index in
            var kind: Int32 = 0
            guard let text = unsafe copenssl_name(names, index, &kind) else { return nil }
            let bytes = unsafe UnsafeBufferPointer(
                start: ASN1_STRING_get0_data(text), count: Int(ASN1_STRING_length(text)))
            return unsafe (kind, Array(bytes))
        }
    }

    private static func subject(of certificate: OpaquePointer) -> String {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { return "" }
        defer { unsafe BIO_free_all(bio) }
        unsafe copenssl_print_subject(bio, certificate)
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: subjectBytesMax) {
            buffer, initialized in
            let count = unsafe BIO_read(bio, buffer.baseAddress, Int32(subjectBytesMax))
            initialized = max(0, Int(count))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
