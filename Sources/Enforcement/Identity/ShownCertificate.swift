package import JSON

/// A certificate that a client showed on its connection. Its chain, its dates and its purpose were
/// verified there, and that the client holds its key; whose it is, nobody has said yet.
package struct ShownCertificate: Sendable {
    package var thumbprint: Digest32
    /// Lower-case hexadecimal without leading zeros; one authority gives no two the same.
    package var serial: Name
    package var names: [CertificateName]
    /// Of the authorities through which it was verified, the nearest first.
    package var authorities: [Digest32]
    /// Seconds since 1970.
    package var notBefore: Int
    package var notAfter: Int

    package init(
        thumbprint: Digest32, serial: Name, names: [CertificateName], authorities: [Digest32],
        notBefore: Int, notAfter: Int
    ) {
        self.thumbprint = thumbprint
        self.serial = serial
        self.names = names
        self.authorities = authorities
        self.notBefore = notBefore
        self.notAfter = notAfter
    }
}

/// One name of a certificate, compared to the byte: two spellings of a name are two names.
package struct CertificateName: Hashable, Sendable {
    /// As RFC 8705 section 2.1.2 tells them apart.
    package enum Kind: String, Sendable, CaseIterable {
        case distinguishedName, uri, dns, email, address
    }

    package var kind: Kind
    package var bytes: [UInt8]

    package init(_ kind: Kind, _ bytes: some Sequence<UInt8>) {
        self.kind = kind
        self.bytes = Array(bytes)
    }
}

/// What a caller's certificate is known by, on record and where it is revoked.
package struct CertificateMark: Sendable, Equatable {
    package let thumbprint: Digest32
    package let serial: Name
}
