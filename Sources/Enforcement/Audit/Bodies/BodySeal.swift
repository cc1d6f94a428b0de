/// How one answer stands in its file: 16 random bytes that make its key, 12 that are its nonce, the
/// answer encrypted, and 16 that prove it.
///
/// Key and nonce are drawn anew for each answer, so that neither a crash nor a file that was set
/// back brings one again. The tag covers call and place: what is moved does not open.
enum BodySeal {
    private static let saltBytes = 16
    private static let headBytes = saltBytes + AES256GCM.nonceBytes
    /// No sealed answer is longer.
    static let bytesMost = headBytes + BodyTerm.bytesMost + AES256GCM.tagBytes

    static func seal(
        _ answer: [UInt8], of call: String, by key: BodyKey, in file: String, at offset: Int
    ) throws(CryptoError) -> [UInt8] {
        let head = try randomBytes(headBytes)
        return head
            + (try AES256GCM.seal(
                answer, key: key.derived(head[..<saltBytes]), nonce: Array(head[saltBytes...]),
                context: context(call, file, offset)))
    }

    /// Nil where it is not the answer that was sealed there.
    static func open(
        _ sealed: [UInt8], of call: String, _ note: BodyNote, by key: Digest32
    ) throws(CryptoError) -> [UInt8]? {
        guard sealed.count > headBytes else { return nil }
        return try AES256GCM.open(
            sealed[headBytes...], key: key, nonce: Array(sealed[saltBytes..<headBytes]),
            context: context(call, note.file, note.offset))
    }

    /// By which the key of an answer is derived.
    static func salt(_ sealed: [UInt8]) -> ArraySlice<UInt8> { sealed.prefix(saltBytes) }

    private static func context(_ call: String, _ file: String, _ offset: Int) -> [UInt8] {
        Array("toolserver body 1\n\(file)\n\(offset)\n\(call)".utf8)
    }
}
