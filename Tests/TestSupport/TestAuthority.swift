import COpenSSL

/// A certificate authority of a test's own, with keys that nobody keeps.
package final class TestAuthority {
    /// PEM, as `TLSIdentity` takes them.
    package struct Issued: Sendable {
        package let certificate: [UInt8]
        package let key: [UInt8]
    }

    private let key: OpaquePointer
    private let certificate: OpaquePointer
    private let name: String
    private var serial = 1

    package var pem: [UInt8] { Self.text { PEM_write_bio_X509($0, certificate) } }

    package init(_ name: String = "Test authority") {
        self.name = name
        key = copenssl_generate_p256()!
        certificate = Self.make(name, key: key, issuer: name, serial: 1, hours: -1...24)
        Self.extend(certificate, NID_basic_constraints, "critical,CA:TRUE")
        Self.extend(certificate, NID_key_usage, "critical,keyCertSign,cRLSign")
        X509_sign(certificate, key, EVP_sha256())
    }

    deinit {
        X509_free(certificate)
        EVP_PKEY_free(key)
    }

    /// `names` as OpenSSL writes them: `DNS:localhost,IP:127.0.0.1`. Valid for these hours from now.
    package func issue(
        _ subject: String = "leaf", names: String? = nil, forClients: Bool = false,
        hours: ClosedRange<Int> = -1...24
    ) -> Issued {
        serial += 1
        let own = copenssl_generate_p256()!
        defer { EVP_PKEY_free(own) }
        let leaf = Self.make(subject, key: own, issuer: name, serial: serial, hours: hours)
        defer { X509_free(leaf) }
        if let names { Self.extend(leaf, NID_subject_alt_name, names) }
        Self.extend(leaf, NID_ext_key_usage, forClients ? "clientAuth" : "serverAuth")
        X509_sign(leaf, key, EVP_sha256())
        return Issued(
            certificate: Self.text { PEM_write_bio_X509($0, leaf) },
            key: Self.text { copenssl_write_private_key($0, own) })
    }

    private static func make(
        _ subject: String, key: OpaquePointer, issuer: String, serial: Int,
        hours: ClosedRange<Int>
    ) -> OpaquePointer {
        let made = X509_new()!
        X509_set_version(made, 2)
        ASN1_INTEGER_set(X509_get_serialNumber(made), serial)
        X509_gmtime_adj(X509_getm_notBefore(made), hours.lowerBound * 3_600)
        X509_gmtime_adj(X509_getm_notAfter(made), hours.upperBound * 3_600)
        X509_set_pubkey(made, key)
        for (entry, text) in [
            (X509_get_subject_name(made), subject), (X509_get_issuer_name(made), issuer),
        ] {
            X509_NAME_add_entry_by_txt(
                entry, "CN", MBSTRING_FLAG | 1, Array(text.utf8), Int32(text.utf8.count), -1, 0)
        }
        return made
    }

    private static func extend(_ certificate: OpaquePointer, _ kind: Int32, _ value: String) {
        let made = X509V3_EXT_conf_nid(nil, nil, kind, value)
        X509_add_ext(certificate, made, -1)
        X509_EXTENSION_free(made)
    }

    private static func text(_ write: (OpaquePointer) -> Int32) -> [UInt8] {
        let bio = BIO_new(BIO_s_mem())!
        defer { BIO_free_all(bio) }
        _ = write(bio)
        return [UInt8](unsafeUninitializedCapacity: 16_384) { buffer, count in
            count = max(0, Int(BIO_read(bio, buffer.baseAddress, 16_384)))
        }
    }
}
