import COpenSSL

/// SHA-256 in one shot, callable from any thread.
package enum SHA256 {
    package static func digest(_ bytes: [UInt8]) -> Digest32 {
        unsafe bytes.withUnsafeBytes { unsafe digest($0) }
    }

    package static func digest(_ bytes: ArraySlice<UInt8>) -> Digest32 {
        unsafe bytes.withUnsafeBytes { unsafe digest($0) }
    }

    package static func digest(_ text: String) -> Digest32 { digest(Array(text.utf8)) }

    package static func digest(_ bytes: UnsafeRawBufferPointer) -> Digest32 {
        var digest = Digest32()
        unsafe digest.withMutableBytes { buffer in
            unsafe copenssl_sha256(
                bytes.baseAddress, bytes.count,
                buffer.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
        return digest
    }

    /// RFC 6962 section 2.1: the hash of a leaf.
    package static func leaf(_ bytes: [UInt8]) -> Digest32 {
        unsafe bytes.withUnsafeBytes { unsafe SHA256Hasher().leaf($0) }
    }

    /// RFC 6962 section 2.1: the hash of an inner node.
    package static func node(_ left: Digest32, _ right: Digest32) -> Digest32 {
        SHA256Hasher().node(left, right)
    }
}

/// A digest context used again and again: setting one up costs as much as hashing a short line.
///
/// One thread at a time; hence not `Sendable`.
@safe package final class SHA256Hasher {
    private let context: OpaquePointer

    /// Fetched once: OpenSSL 3 looks an algorithm up by name at every implicit use.
    private static let algorithm = Algorithm()

    package init() {
        guard let context = unsafe EVP_MD_CTX_new() else {
            preconditionFailure("no memory for a digest context")
        }
        unsafe self.context = context
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    package func begin() {
        let ready = unsafe EVP_DigestInit_ex2(context, Self.algorithm.pointer, nil)
        precondition(ready == 1, "SHA-256 cannot be started")
    }

    package func update(_ bytes: UnsafeRawBufferPointer) {
        let taken = unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        precondition(taken == 1, "SHA-256 cannot go on")
    }

    package func finish() -> Digest32 {
        var digest = Digest32()
        let written = unsafe digest.withMutableBytes { buffer in
            unsafe EVP_DigestFinal_ex(
                context, buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), nil)
        }
        precondition(written == 1, "SHA-256 cannot be finished")
        return digest
    }

    package func leaf(_ bytes: UnsafeRawBufferPointer) -> Digest32 {
        begin()
        update(byte: 0)
        unsafe update(bytes)
        return finish()
    }

    package func node(_ left: Digest32, _ right: Digest32) -> Digest32 {
        begin()
        update(byte: 1)
        unsafe left.withBytes { unsafe update($0) }
        unsafe right.withBytes { unsafe update($0) }
        return finish()
    }

    private func update(byte: UInt8) {
        unsafe withUnsafeBytes(of: byte) { unsafe update($0) }
    }
}

/// Never freed: it lives as long as the process, in a static.
// Sendable: an EVP_MD is immutable after it was fetched and counts its references atomically.
@safe private final class Algorithm: @unchecked Sendable {
    let pointer: OpaquePointer

    init() {
        guard let pointer = unsafe EVP_MD_fetch(nil, "SHA256", nil) else {
            preconditionFailure("libcrypto has no SHA-256")
        }
        unsafe self.pointer = pointer
    }
}
