/// Addresses of crypto currencies, by their own check sums: base58check and bech32. A word of
/// letters and digits without one is no address.
enum Wallets {
    static func find(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        let length = end - start
        switch text[start] {
        case UInt8(ascii: "0"):
            guard length == 42, text[start + 1] == UInt8(ascii: "x") else { return nil }
            for index in (start + 2)..<end where !text[index].isHex { return nil }
            return isOneByte(text, start + 2, end) ? nil : Finding(.crypto, start, end)
        case UInt8(ascii: "b"), UInt8(ascii: "B"), UInt8(ascii: "t"), UInt8(ascii: "l"),
            UInt8(ascii: "a"), UInt8(ascii: "c"), UInt8(ascii: "o"):
            if length == 35, text.has("t1", at: start) || text.has("t3", at: start) {
                return Base58.isChecked(text, start, end) ? Finding(.crypto, start, end) : nil
            }
            return length >= 40 && Bech32.isAddress(text, start, end)
                ? Finding(.crypto, start, end) : nil
        case UInt8(ascii: "1"), UInt8(ascii: "3"), UInt8(ascii: "L"), UInt8(ascii: "M"),
            UInt8(ascii: "D"), UInt8(ascii: "X"), UInt8(ascii: "T"), UInt8(ascii: "m"),
            UInt8(ascii: "n"), UInt8(ascii: "2"), UInt8(ascii: "A"), UInt8(ascii: "r"):
            return (25...36).contains(length) && Base58.isChecked(text, start, end)
                ? Finding(.crypto, start, end) : nil
        case UInt8(ascii: "5"), UInt8(ascii: "K"):
            // A private key in Wallet Import Format.
            return (51...52).contains(length) && Base58.isChecked(text, start, end)
                ? Finding(.privateKey, start, end) : nil
        case UInt8(ascii: "4"), UInt8(ascii: "8"):
            return length == 95 && Base58.isAlphabet(text, start, end)
                ? Finding(.crypto, start, end) : nil
        case UInt8(ascii: "x"), UInt8(ascii: "y"), UInt8(ascii: "z"):
            // An extended key of BIP 32, from which a whole wallet follows.
            guard length == 111, Base58.isChecked(text, start, end) else { return nil }
            if text.has("prv", at: start + 1) { return Finding(.privateKey, start, end) }
            return text.has("pub", at: start + 1) ? Finding(.crypto, start, end) : nil
        default: return nil
        }
    }

    private static func isOneByte(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        for index in start..<end where text[index] != text[start] { return false }
        return true
    }
}

enum Base58 {
    private static let alphabet = Array(
        "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".utf8)
    /// The XRP ledger has the same letters in another order.
    private static let ripple = Array(
        "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz".utf8)

    static func isAlphabet(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        for index in start..<end {
            let byte = text[index]
            if !byte.isWord || byte == UInt8(ascii: "0") || byte == UInt8(ascii: "O")
                || byte == UInt8(ascii: "I") || byte == UInt8(ascii: "l")
            {
                return false
            }
        }
        return true
    }

    /// Whether the last four bytes are the beginning of a double SHA-256 of the others.
    static func isChecked(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        guard isAlphabet(text, start, end) else { return false }
        // Most words of this length are names: an address has letters of both cases.
        guard hasBothCases(text, start, end) else { return false }
        let letters = text[start] == UInt8(ascii: "r") ? ripple : alphabet
        guard let bytes = decode(text, start, end, letters), bytes.count >= 25 else { return false }
        let payload = Array(bytes.dropLast(4))
        let digest = SHA256.digest(SHA256.digest(payload).bytes).bytes
        return digest.prefix(4).elementsEqual(bytes.suffix(4))
    }

    private static func hasBothCases(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        var kinds: UInt8 = 0
        for index in start..<end {
            kinds |= text[index].isDigit ? 1 : text[index].isUpper ? 2 : 4
        }
        return kinds & 6 == 6
    }

    private static func decode(
        _ text: Span<UInt8>, _ start: Int, _ end: Int, _ letters: [UInt8]
    ) -> [UInt8]? {
        // The lowest byte first.
        var bytes = InlineArray<96, UInt8>(repeating: 0)
        var count = 0
        for index in start..<end {
            guard var carry = letters.firstIndex(of: text[index]) else { return nil }
            for place in 0..<count {
                carry += Int(bytes[place]) * 58
                bytes[place] = UInt8(truncatingIfNeeded: carry)
                carry >>= 8
            }
            while carry > 0 {
                guard count < bytes.count else { return nil }
                bytes[count] = UInt8(truncatingIfNeeded: carry)
                count += 1
                carry >>= 8
            }
        }
        let zeros = text.end(of: start, atMost: end - start) { $0 == letters[0] } - start
        var found = [UInt8](repeating: 0, count: zeros + count)
        for place in 0..<count { found[zeros + count - 1 - place] = bytes[place] }
        return found
    }
}

/// BIP 173 and BIP 350.
enum Bech32 {
    private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)

    static func isAddress(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        guard end - start <= 110 else { return false }
        var separator = end - 1
        while separator > start, text[separator] != UInt8(ascii: "1") { separator -= 1 }
        guard (2...12).contains(separator - start), end - separator > 30 else { return false }
        var check: UInt32 = 1
        for index in start..<separator { step(&check, UInt32(text[index].lowered >> 5)) }
        step(&check, 0)
        for index in start..<separator { step(&check, UInt32(text[index].lowered & 31)) }
        for index in (separator + 1)..<end {
            guard let value = alphabet.firstIndex(of: text[index].lowered) else { return false }
            step(&check, UInt32(value))
        }
        return check == 1 || check == 0x2bc8_30a3
    }

    private static func step(_ check: inout UInt32, _ value: UInt32) {
        let top = check >> 25
        check = (check & 0x1ff_ffff) << 5 ^ value
        if top & 1 != 0 { check ^= 0x3b6a_57b2 }
        if top & 2 != 0 { check ^= 0x2650_8e6d }
        if top & 4 != 0 { check ^= 0x1ea1_19fa }
        if top & 8 != 0 { check ^= 0x3d42_33dd }
        if top & 16 != 0 { check ^= 0x2a14_62b3 }
    }
}
