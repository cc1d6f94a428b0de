/// Which bytes are equal, which digest they have, who signed them.
///
/// A thin wrapper over OpenSSL's libcrypto: one Swift file per kind of C handle, each handle owned
/// by one final class that frees it in `deinit`. No C type appears in a package signature, no
/// algorithm is chosen by outside input here, and no error carries OpenSSL's text: it may quote the
/// bytes of a key. Nothing here falls back to a weaker way when the library fails.

import COpenSSL

package enum CryptoError: Error, Sendable {
    /// The bytes are not a key of the expected kind, or its point is not on the curve.
    case invalidKey
    /// The library failed: no memory, no random source.
    case unavailable
}

/// `count` bytes from the operating system's generator, by way of OpenSSL's.
package func randomBytes(_ count: Int) throws(CryptoError) -> [UInt8] {
    guard count >= 0, count <= 1 << 20 else { throw .unavailable }
    var filled: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        filled = unsafe RAND_bytes(buffer.baseAddress, Int32(count))
        initialized = filled == 1 ? count : 0
    }
    guard filled == 1 || count == 0 else { throw .unavailable }
    return bytes
}

/// Time depends on the lengths only, never on where the bytes differ.
package func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in left.indices { difference |= left[index] ^ right[index] }
    return difference == 0
}

package func constantTimeEqual(_ left: String, _ right: String) -> Bool {
    constantTimeEqual(Array(left.utf8), Array(right.utf8))
}
