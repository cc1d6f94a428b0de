import COpenSSL

/// An ECDSA key on P-256 that signs over SHA-256, in the raw form of RFC 7518 section 3.4.
package struct ES256PrivateKey: Sendable {
    private let handle: KeyHandle
    package let publicKey: ES256PublicKey

    package static func generate() throws(CryptoError) -> ES256PrivateKey {
        try ES256PrivateKey(unsafe KeyHandle(owning: copenssl_generate_p256()))
    }

    /// The content of a PKCS#8 PEM file, unencrypted.
    package init(pem: String) throws(CryptoError) {
        try self.init(KeyHandle.reading(pem: pem))
    }

    private init(_ handle: KeyHandle) throws(CryptoError) {
        guard handle.curve == .p256 else { throw .invalidKey }
        self.handle = handle
        publicKey = try ES256PublicKey(uncompressed: handle.publicOctets(65))
    }

    package func pem() throws(CryptoError) -> String { try handle.pem() }

    /// 64 bytes: r, then s.
    package func sign(_ message: [UInt8]) throws(CryptoError) -> [UInt8] {
        let der = try handle.sign(message, digest: "SHA256", limit: 72)
        guard let raw = ECDSASignature.raw(der: der, size: 32) else { throw .unavailable }
        return raw
    }
}

package struct ES256PublicKey: Sendable {
    private let handle: KeyHandle
    /// 32 bytes each, as a JWK holds them.
    package let x: [UInt8]
    package let y: [UInt8]

    /// Refuses coordinates of another length and points that are not on the curve.
    package init(x: [UInt8], y: [UInt8]) throws(CryptoError) {
        guard x.count == 32, y.count == 32 else { throw .invalidKey }
        try self.init(uncompressed: [4] + x + y)
    }

    /// The 65 bytes `04 || x || y` of SEC 1.
    init(uncompressed point: [UInt8]) throws(CryptoError) {
        guard point.count == 65, point[0] == 4 else { throw .invalidKey }
        // OpenSSL checks here that the point is on the curve; the hostile case has a test.
        handle = try KeyHandle(curve: .p256, point: point)
        x = Array(point[1..<33])
        y = Array(point[33..<65])
    }

    /// `signature` is r, then s: 64 bytes.
    package func isValid(_ signature: [UInt8], for message: [UInt8]) -> Bool {
        guard let der = ECDSASignature.der(raw: signature, size: 32) else { return false }
        return handle.isValid(der, for: message, digest: "SHA256")
    }
}
