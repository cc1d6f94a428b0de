import COpenSSL

/// An Ed25519 key (RFC 8032) that signs.
package struct Ed25519PrivateKey: Sendable {
    private let handle: KeyHandle
    package let publicKey: Ed25519PublicKey

    package static func generate() throws(CryptoError) -> Ed25519PrivateKey {
        try Ed25519PrivateKey(
            unsafe KeyHandle(owning: copenssl_generate_ed25519()))
    }

    /// The content of a PKCS#8 PEM file, unencrypted.
    package init(pem: String) throws(CryptoError) {
        try self.init(KeyHandle.reading(pem: pem))
    }

    private init(_ handle: KeyHandle) throws(CryptoError) {
        guard handle.kind == EVP_PKEY_ED25519 else { throw .invalidKey }
        self.handle = handle
        publicKey = try Ed25519PublicKey(handle.publicOctets(32))
    }

    package func pem() throws(CryptoError) -> String { try handle.pem() }

    /// 64 bytes.
    package func sign(_ message: [UInt8]) throws(CryptoError) -> [UInt8] {
        try handle.sign(message, digest: nil, limit: 64)
    }
}

package struct Ed25519PublicKey: Sendable {
    private let handle: KeyHandle
    /// 32 bytes, as in RFC 8032.
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) throws(CryptoError) {
        guard bytes.count == 32 else { throw .invalidKey }
        handle = try KeyHandle(ed25519: bytes)
        self.bytes = bytes
    }

    package func isValid(_ signature: [UInt8], for message: [UInt8]) -> Bool {
        signature.count == 64 && handle.isValid(signature, for: message, digest: nil)
    }
}
