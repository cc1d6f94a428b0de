/// Tokens that stand for values: equal values have equal tokens, in every answer of every replica
/// that has the key, and nobody without it can find the value by trying all.
///
/// `<email:k2mfrggzdfmztwq2lk>`: the kind, two letters that name the key, sixteen that are the
/// beginning of an HMAC. A hash alone would not do: there are only 10^9 social security numbers.
package struct Pseudonym: Sendable {
    /// Two letters for the key and sixteen, 80 bits, for the value.
    static let textCount = 18

    private let key: HMACKey
    private let keyID: [UInt8]

    /// One key for each tenant and purpose, from one that is kept: what joins within one of them
    /// joins nothing outside.
    package init(master: [UInt8], tenant: String, purpose: String = "mask") {
        let label = "toolserver pseudonym\0\(tenant.utf8.count)\0\(tenant)\0\(purpose)"
        key = HMACKey(HMACSHA256.authenticate(Array(label.utf8), key: master).bytes)
        let digest = key.authenticate(Array("key id".utf8)).bytes
        keyID = digest.prefix(2).map { Self.letter($0 & 31) }
    }

    /// RFC 4648 base32, in small letters.
    private static func letter(_ value: UInt8) -> UInt8 {
        value < 26 ? UInt8(ascii: "a") + value : UInt8(ascii: "2") + value - 26
    }

    static func isLetter(_ byte: UInt8) -> Bool { byte.isLower || (0x32...0x37).contains(byte) }

    func token(for value: [UInt8], kind: [UInt8]) -> [UInt8] {
        var token: [UInt8] = []
        append(tokenFor: value, kind: kind, to: &token)
        return token
    }

    /// `value` in its canonical form; `kind` is part of what is hashed.
    func append(tokenFor value: [UInt8], kind: [UInt8], to bytes: inout [UInt8]) {
        var message: [UInt8] = []
        message.reserveCapacity(kind.count + 1 + value.count)
        message += kind
        message.append(0)
        message += value
        let digest = key.authenticate(message)
        let count = kind.count + Self.textCount + 3
        // Written in one piece: there may be one in every row.
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { token in
            var end = 0
            func put(_ byte: UInt8) {
                unsafe token[end] = byte
                end += 1
            }
            put(UInt8(ascii: "<"))
            for byte in kind { put(byte) }
            put(UInt8(ascii: ":"))
            for byte in keyID { put(byte) }
            unsafe digest.withBytes { digest in
                var bits: UInt32 = 0
                var bitCount: UInt32 = 0
                for index in 0..<10 {
                    bits = bits << 8 | UInt32(unsafe digest[index])
                    bitCount += 8
                    while bitCount >= 5 {
                        bitCount -= 5
                        put(Self.letter(UInt8(truncatingIfNeeded: bits >> bitCount & 31)))
                    }
                }
            }
            put(UInt8(ascii: ">"))
            unsafe bytes.append(contentsOf: token[..<end])
        }
    }

    /// Whether the whole of `value` is a token already.
    static func isToken(_ value: Span<UInt8>) -> Bool {
        value.at(0) == UInt8(ascii: "<") && value.issuedTokenEnd(at: 0) == value.count
    }

    /// `Card number` as a kind: lower case, digits, `_`.
    static func kind(of label: String) -> [UInt8] {
        let bytes = label.utf8.prefix(40).map { byte in
            byte.isWord ? byte.lowered : UInt8(ascii: "_")
        }
        return bytes.isEmpty ? Array("value".utf8) : bytes
    }
}

/// One form for all spellings of a value, so that they get one token.
enum Canonical {
    static func form(of value: Span<UInt8>, kind: ValueKind?) -> [UInt8] {
        guard isPlain(value) else {
            let plain = plain(value)
            return folded(plain.span, 0, plain.count, kind)
        }
        let start = value.end(of: 0) { $0.isSpace }
        let end = value.start(of: value.count, atMost: value.count - start) { $0.isSpace }
        return folded(value, start, end, kind)
    }

    /// Whether nothing of it could stand for another character.
    private static func isPlain(_ value: Span<UInt8>) -> Bool {
        for index in 0..<value.count {
            let byte = value[index]
            if byte >= 0x80 || Escapes.mayBegin(byte) { return false }
        }
        return true
    }

    private static func folded(
        _ plain: Span<UInt8>, _ start: Int, _ end: Int, _ kind: ValueKind?
    ) -> [UInt8] {
        var form: [UInt8] = []
        form.reserveCapacity(end - start)
        for index in start..<end {
            let byte = plain[index]
            switch kind {
            case .card, .phone, .ssn, .imei, .cardCode: if byte.isDigit { form.append(byte) }
            case .iban, .nationalID, .passport:
                if byte.isWord { form.append(byte.isLower ? byte & 0xDF : byte) }
            case .email, .ip: form.append(byte.lowered)
            case .mac: if byte.isHex { form.append(byte.lowered) }
            default: form.append(byte)
            }
        }
        return form
    }

    /// Without what surrounds it, look-alikes and two layers of escapes.
    private static func plain(_ value: Span<UInt8>) -> [UInt8] {
        var view = MappedText()
        var bytes: [UInt8] = []
        let start = value.end(of: 0) { $0.isSpace }
        var end = value.count
        while end > start, value[end - 1].isSpace { end -= 1 }
        for index in start..<end { bytes.append(value[index]) }
        for _ in 0..<2 {
            if Normal.write(bytes.span, into: &view) { bytes = view.bytes }
            guard Escapes.write(bytes.span, into: &view) else { break }
            bytes = view.bytes
        }
        return bytes
    }
}
