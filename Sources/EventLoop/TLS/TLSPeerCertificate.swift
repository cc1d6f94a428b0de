import COpenSSL

/// Who the other side of a connection has proved to be: the certificate itself, after its chain,
/// its time and its purpose were verified and the key was shown to be there.
package final class TLSPeerCertificate: Sendable {
    /// SHA-256 of the certificate's DER: `x5t#S256` of RFC 8705 before its base64url.
    package let thumbprint: [UInt8]
    /// As in RFC 2253; empty where it is longer than anybody's name.
    package let subject: String
    /// The number that its authority gave it: lower-case hexadecimal without leading zeros.
    package let serial: String
    /// Subject alternative names as they stand in the certificate: bytes, never compared as text.
    package let dnsNames: [[UInt8]]
    package let emails: [[UInt8]]
    package let uris: [[UInt8]]
    /// 4 or 16 bytes each.
    package let addresses: [[UInt8]]
    /// SHA-256 of the authorities through which it was verified, the nearest first.
    package let authorities: [[UInt8]]
    /// Seconds since 1970. The end is that of whatever in its chain ends first.
    package let notBefore: Int
    package let notAfter: Int

    private static let subjectBytesMax = 1_024
    private static let namesMax = 64

    /// Reads `certificate` and those above it, and keeps no reference to them. Nil when it cannot
    /// be read.
    init?(_ certificate: OpaquePointer, below chain: [OpaquePointer]) {
        guard let thumbprint = unsafe Self.thumbprint(of: certificate),
            let serial = unsafe Self.serial(of: certificate)
        else { return nil }
        self.thumbprint = thumbprint
        self.serial = serial
        subject = unsafe Self.subject(of: certificate)
        let names = unsafe copenssl_names(certificate)
        defer { unsafe GENERAL_NAMES_free(names) }
        let all = unsafe Self.all(names)
        dnsNames = all.filter { $0.kind == GEN_DNS }.map(\.bytes)
        emails = all.filter { $0.kind == GEN_EMAIL }.map(\.bytes)
        uris = all.filter { $0.kind == GEN_URI }.map(\.bytes)
        addresses = all.filter { $0.kind == GEN_IPADD }.map(\.bytes)
        authorities = unsafe chain.compactMap { unsafe Self.thumbprint(of: $0) }
        notBefore = unsafe Int(copenssl_seconds(X509_get0_notBefore(certificate)))
        // What is no time is -1, and so over.
        let ends = unsafe ([certificate] + chain).map {
            unsafe Int(copenssl_seconds(X509_get0_notAfter($0)))
        }
        notAfter = ends.min() ?? -1
        let isWhole = unsafe authorities.count == chain.count
        guard isWhole else { return nil }
    }

    private static func thumbprint(of certificate: OpaquePointer) -> [UInt8]? {
        var length: UInt32 = 0
        let thumbprint = unsafe [UInt8](unsafeUninitializedCapacity: 32) { buffer, initialized in
            let isDone = unsafe X509_digest(certificate, EVP_sha256(), buffer.baseAddress, &length)
            initialized = isDone == 1 && length == 32 ? 32 : 0
        }
        return thumbprint.count == 32 ? thumbprint : nil
    }

    private static func serial(of certificate: OpaquePointer) -> String? {
        guard let text = unsafe copenssl_serial(certificate) else { return nil }
        defer { unsafe copenssl_free_text(text) }
        let digits = unsafe String(cString: text).lowercased().drop { $0 == "0" }
        return digits.isEmpty ? "0" : String(digits)
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
        // Half of a name may be another's.
        guard unsafe BIO_ctrl_pending(bio) == 0 else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }
}
