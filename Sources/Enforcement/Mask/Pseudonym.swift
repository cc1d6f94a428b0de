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

    /// `label` is the word of the token and part of what is hashed; `kind` says which spellings of
    /// the value are one.
    func token(for value: Span<UInt8>, _ kind: ValueKind?, label: [UInt8]) -> [UInt8] {
        var token: [UInt8] = []
        append(tokenFor: value, kind, label: label, to: &token)
        return token
    }

    func append(
        tokenFor value: Span<UInt8>, _ kind: ValueKind?, label: [UInt8], to bytes: inout [UInt8]
    ) {
        var message: [UInt8] = []
        message.reserveCapacity(label.count + 1 + value.count)
        message += label
        message.append(0)
        Canonical.append(formOf: value, kind: kind, to: &message)
        let digest = key.authenticate(message)
        bytes.append(UInt8(ascii: "<"))
        bytes += label
        bytes.append(UInt8(ascii: ":"))
        bytes += keyID
        append(lettersOf: digest, to: &bytes)
        bytes.append(UInt8(ascii: ">"))
    }

    /// Sixteen letters, five bits each.
    private func append(lettersOf digest: Digest32, to bytes: inout [UInt8]) {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { letters in
            unsafe digest.withBytes { digest in
                for half in 0..<2 {
                    var bits: UInt64 = 0
                    for index in 0..<5 {
                        bits = bits << 8 | UInt64(unsafe digest[half * 5 + index])
                    }
                    for place in 0..<8 {
                        let five = UInt8(truncatingIfNeeded: bits >> (35 - 5 * place) & 31)
                        unsafe letters[half * 8 + place] = Self.letter(five)
                    }
                }
            }
            unsafe bytes.append(contentsOf: letters)
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
        var form: [UInt8] = []
        append(formOf: value, kind: kind, to: &form)
        return form
    }

    static func append(formOf value: Span<UInt8>, kind: ValueKind?, to form: inout [UInt8]) {
        guard isPlain(value) else {
            let plain = plain(value)
            return append(plain.span, 0, plain.count, kind, to: &form)
        }
        let start = value.end(of: 0) { $0.isSpace }
        let end = value.start(of: value.count, atMost: value.count - start) { $0.isSpace }
        append(value, start, end, kind, to: &form)
    }

    /// Whether nothing of it could stand for another character.
    private static func isPlain(_ value: Span<UInt8>) -> Bool {
        for index in 0..<value.count {
            let byte = value[index]
            if byte >= 0x80 || Escapes.mayBegin(byte) { return false }
        }
        return true
    }

    private static func append(
        _ plain: Span<UInt8>, _ start: Int, _ end: Int, _ kind: ValueKind?, to form: inout [UInt8]
    ) {
        guard let fold = Fold(of: kind) else {
            // The buffer is only lent to the copy.
            return unsafe plain.extracting(start..<end).withUnsafeBufferPointer {
                unsafe form.append(contentsOf: $0)
            }
        }
        form.reserveCapacity(form.count + end - start)
        for index in start..<end {
            let byte = plain[index]
            switch fold {
            case .digits: if byte.isDigit { form.append(byte) }
            case .upperWords: if byte.isWord { form.append(byte.isLower ? byte & 0xDF : byte) }
            case .lower: form.append(byte.lowered)
            case .lowerHex: if byte.isHex { form.append(byte.lowered) }
            }
        }
    }

    /// What of a value tells it from others of its kind.
    private enum Fold {
        case digits, upperWords, lower, lowerHex

        /// Nil where all of it does.
        init?(of kind: ValueKind?) {
            switch kind {
            case .card, .phone, .ssn, .imei, .cardCode: self = .digits
            case .iban, .nationalID, .passport: self = .upperWords
            case .email, .ip: self = .lower
            case .mac: self = .lowerHex
            default: return nil
            }
        }
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
