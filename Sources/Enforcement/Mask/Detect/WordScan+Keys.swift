/// Words that are keys, addresses of networks or cards as they stand.
extension WordScan {
    /// The first group of an address in hexadecimal digits.
    func hexWord(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        let next = text.at(end)
        let before = text.at(start - 1)
        guard before != next, before != UInt8(ascii: "."), before < 0x80 else { return nil }
        switch (next, end - start) {
        case (UInt8(ascii: ":"), _): return Addresses.colons(text, from: start)
        case (UInt8(ascii: "."), 4): return Addresses.dottedMAC(text, at: start)
        case (UInt8(ascii: "-"), 2):
            return Addresses.mac(text, start, min(text.count, start + 17), next)
        default: return nil
        }
    }

    /// `visa4111111111111111`, and `B4111…^` of a magnetic stripe.
    func gluedCard(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        let digits = text.end(of: start, atMost: 12) { $0.isLetter }
        guard digits > start, (13...19).contains(end - digits) else { return nil }
        let stripe = Cards.stripeEnd(text, behind: end)
        let isStripe = stripe > end && digits == start + 1 && text[start] == UInt8(ascii: "B")
        guard isStripe || words.meaning(text, start, digits).cues.contains(.card) else {
            return nil
        }
        let number = Digits(text, digits, end)
        return number.count == end - digits && Cards.isCard(number, number.count)
            ? Finding(.card, digits, stripe) : nil
    }

    /// The secret of an application of Entra ID: `abc8Q~`, then 31 to 34 characters.
    func azure(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        let stop = text.end(of: end + 1, atMost: 35) {
            $0.isToken || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "~")
        }
        return (31...34).contains(stop - end - 1) ? Finding(.apiKey, start, stop) : nil
    }

    /// A bot's token: its number, a colon, 35 letters.
    func telegram(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        let stop = text.end(of: end + 1, atMost: 40) { $0.isToken }
        guard stop - end - 1 == 35, text[end + 1] == UInt8(ascii: "A"),
            Strength(text, end + 1, stop).isRandom
        else { return nil }
        return Finding(.apiKey, start, stop)
    }

    /// Long words that have a structure.
    func long(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        if text.has("eyJ", at: start) || text.has("ewo", at: start) || text.has("eyA", at: start),
            let jwt = Secrets.jwt(text, at: start)
        {
            return jwt
        }
        if end - start == 14, text.has(".atlasv1.", at: end) {
            let stop = text.end(of: end + 9, atMost: 80) { $0.isToken }
            return (60...70).contains(stop - end - 9) ? Finding(.apiKey, start, stop) : nil
        }
        if (23...28).contains(end - start), text.at(end) == UInt8(ascii: ".") {
            return discord(text, start, end)
        }
        if end - start == 32, text.has("-us", at: end), text.at(end + 3).isDigit {
            for index in start..<end where !text[index].isHex { return nil }
            return Finding(.apiKey, start, text.end(of: end + 3, atMost: 2) { $0.isDigit })
        }
        if end - start >= 25, let wallet = Wallets.find(text, start, end) { return wallet }
        return nil
    }

    func discord(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        guard
            text[start] == UInt8(ascii: "M") || text[start] == UInt8(ascii: "N")
                || text[start] == UInt8(ascii: "O")
        else { return nil }
        let second = text.end(of: end + 1, atMost: 8) { $0.isToken }
        guard (6...7).contains(second - end - 1), text.at(second) == UInt8(ascii: ".") else {
            return nil
        }
        let third = text.end(of: second + 1, atMost: 44) { $0.isToken }
        return (27...40).contains(third - second - 1) ? Finding(.apiKey, start, third) : nil
    }
}

/// Keys that no published prefix tells, but the lengths of their parts.
extension VendorKeys {
    /// `2`, 26 letters and digits that begin with the time, and a key of as many as 21 and more.
    static func ngrok(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        guard text[start] == UInt8(ascii: "2"), text.at(end) == UInt8(ascii: "_") else {
            return nil
        }
        let stop = text.end(of: end + 1, atMost: 50) { $0.isWord }
        guard (20..<50).contains(stop - end - 1), Strength(text, start, end).isRandom,
            Strength(text, end + 1, stop).isRandom
        else { return nil }
        return Finding(.apiKey, start, stop)
    }

    /// Six, 29, and the `mmk` that stands at `start..<end`.
    static func maxMind(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        let first = start - 37
        guard text.has("_mmk", at: start - 1), text.at(start - 31) == UInt8(ascii: "_"),
            !text.at(first - 1).isWord,
            text.start(of: start - 1, atMost: 29, { $0.isWord }) == start - 30,
            text.start(of: start - 31, atMost: 6, { $0.isWord }) == first
        else { return nil }
        return Finding(.apiKey, first, end)
    }
}
