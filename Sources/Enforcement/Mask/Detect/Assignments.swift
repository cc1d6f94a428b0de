/// `password=…`, `"api_key": "…"`, `mot de passe : …`: a name that speaks of a secret, a sign, and
/// a value that could be one. Documentation, code and empty fields have such names too: their
/// values are placeholders, expressions and words.
enum Assignments {
    static let valueMax = 1_024

    /// `sign` is the place of `=` or `:`.
    static func find(_ text: Span<UInt8>, sign: Int, isDecoded: Bool) -> Finding? {
        let keyEnd = text.start(of: sign, atMost: 6) { isAround($0) }
        let wordStart = text.start(of: keyEnd, atMost: 64) { isKey($0) }
        var keyStart = wordStart
        guard keyStart < keyEnd else { return nil }
        // Two words and more: `API key`, `mot de passe`.
        for _ in 0..<2 where text.at(keyStart - 1) == 0x20 && isKey(text.at(keyStart - 2)) {
            let start = text.start(of: keyStart - 1, atMost: 24) { isKey($0) }
            if KeyNames.meaning(text, keyStart, keyEnd) != nil { break }
            keyStart = start
        }
        guard let meaning = KeyNames.meaning(text, keyStart, keyEnd) else {
            if let meaning = pairedMeaning(text, wordStart, keyEnd) {
                return value(text, after: sign, meaning: meaning, isDecoded: isDecoded)
            }
            return userOption(text, sign: sign, keyStart: wordStart)
        }
        if let inner = innerSign(text, after: sign) {
            return value(text, after: inner, meaning: meaning, isDecoded: isDecoded)
        }
        return value(text, after: sign, meaning: meaning, isDecoded: isDecoded)
    }

    /// `<password>…</password>`.
    static func element(_ text: Span<UInt8>, open: Int) -> Finding? {
        let end = text.end(of: open + 1, atMost: 64) { isKey($0) || $0 == UInt8(ascii: ":") }
        guard end > open + 3, text.at(end) == UInt8(ascii: ">"),
            let meaning = KeyNames.meaning(text, open + 1, end)
        else { return nil }
        let stop = text.end(of: end + 1, atMost: valueMax) { $0 != UInt8(ascii: "<") }
        guard text.at(stop) == UInt8(ascii: "<"), text.at(stop + 1) == UInt8(ascii: "/") else {
            return nil
        }
        return judged(
            text, end + 1, stop, meaning: meaning, isQuoted: true, sign: UInt8(ascii: "="))
    }

    /// The word that ends at `end` speaks of a password: `password is hunter2`, `--password x9!`.
    static func prose(_ text: Span<UInt8>, after end: Int) -> Finding? {
        let blank = text.end(of: end, atMost: 3) { $0.isBlank }
        guard blank > end else { return nil }
        var start = blank
        for joint in ["is ", "was ", "est ", "ist ", "es ", "é ", "to ", "of ", "by ", "lautet "]
            as [StaticString] where text.hasFolded(joint, at: start)
        {
            start += joint.utf8CodeUnitCount
            break
        }
        if text.at(start) == UInt8(ascii: ":") { return nil }
        // A router says first how it is written: `password 7 …`.
        if text.at(start).isDigit, text.at(start + 1) == 0x20 { start += 2 }
        let isQuoted = text.at(start).isQuote
        let stop =
            isQuoted
            ? text.end(of: start + 1, atMost: 128) { !$0.isQuote && $0 != UInt8(ascii: "\n") }
            : unquotedEnd(text, start)
        let from = isQuoted ? start + 1 : start
        guard stop > from, !isPlaceholder(text, from, stop) else { return nil }
        let strength = Strength(text, from, stop)
        let isSaid =
            start > blank && !["to ", "of ", "by "].contains { text.hasFolded($0, at: blank) }
            && isNoPredicate(text, from, stop)
        let isCommon = isCommonPassword(text, from, stop) && endsThere(text, stop)
        guard strength.isPassword || strength.isScrambled || isSaid || isCommon,
            !strength.isOfDigitsAlone,
            isNoPath(text, from, stop)
        else {
            return nil
        }
        return Finding(.password, from, stop)
    }

    /// `--token …`, `consumer_secret …`: nothing but a blank before a long and random value.
    static func option(_ text: Span<UInt8>, after end: Int) -> Finding? {
        let start = text.end(of: end, atMost: 2) { $0.isBlank }
        guard start > end else { return nil }
        let stop = text.end(of: start, atMost: 512) { $0.isToken }
        guard stop - start >= 16, !text.at(stop).isWord, !isPlaceholder(text, start, stop),
            Strength(text, start, stop).isRandom
        else { return nil }
        return Finding(.apiKey, start, stop)
    }

    static func isKey(_ byte: UInt8) -> Bool {
        byte.isToken || byte == UInt8(ascii: ".") || byte >= 0x80
    }

    /// What may stand between a name and its sign: `"a" :`, `['a'] =`, `a\":`.
    static func isAround(_ byte: UInt8) -> Bool {
        byte.isBlank || byte.isQuote || byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "]")
    }

    private static func value(
        _ text: Span<UInt8>, after sign: Int, meaning: KeyNames.Meaning, isDecoded: Bool
    ) -> Finding? {
        var start = sign + 1
        // `:=` gives as `=` does.
        let isGiven = text[sign] == UInt8(ascii: ":") && text.at(start) == UInt8(ascii: "=")
        let kind = isGiven ? UInt8(ascii: "=") : text[sign]
        // `==` compares; `:=` and `=>` give.
        if text[sign] == UInt8(ascii: "="), text.at(start) == UInt8(ascii: "=") { return nil }
        if text.at(start) == UInt8(ascii: "=") || text.at(start) == UInt8(ascii: ">") { start += 1 }
        start = text.end(of: start, atMost: 4) { $0.isBlank }
        // YAML may put it on a line of its own, further in.
        if text[sign] == UInt8(ascii: ":"), text.at(start) == UInt8(ascii: "\n"),
            text.at(start + 1) == 0x20
        {
            start = text.end(of: start + 1, atMost: 16) { $0 == 0x20 }
        }
        let slashes = text.end(of: start, atMost: 8) { $0 == UInt8(ascii: "\\") }
        let mark = text.at(slashes)
        guard mark.isQuote else {
            return judged(
                text, start, unquotedEnd(text, start, sign: kind), meaning: meaning,
                isQuoted: false, sign: kind)
        }
        var end = slashes + 1
        let stop = min(text.count, end + valueMax)
        let isEscaped = isDecoded || slashes > start
        while end < stop, text[end] != mark, text[end] != UInt8(ascii: "\n") {
            end += text[end] == UInt8(ascii: "\\") && !isEscaped ? 2 : 1
        }
        end = min(end, stop)
        while slashes > start, end > slashes + 1, text[end - 1] == UInt8(ascii: "\\") { end -= 1 }
        return judged(
            text, slashes + 1, end, meaning: meaning, isQuoted: true, sign: kind)
    }

    /// The end of a value without quotes; behind a colon JSON and YAML end it, too.
    static func unquotedEnd(_ text: Span<UInt8>, _ start: Int, sign: UInt8 = 0) -> Int {
        let isField = sign == UInt8(ascii: ":")
        var end = start
        let stop = min(text.count, start + valueMax)
        while end < stop, !ends(text, end, isField: isField) { end += 1 }
        // What closes a bracket that opened before the name, or a sentence.
        while end > start {
            let last = text[end - 1]
            guard closes(last) || isPoint(last) else { break }
            if closes(last), has(text, last & 0x7F == 0x29 ? 0x28 : last - 2, start, end) { break }
            end -= 1
        }
        return end
    }

    private static func closes(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ")") || byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}")
    }

    private static func isPoint(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ".") || byte == UInt8(ascii: ",") || byte == UInt8(ascii: ":")
    }

    private static func ends(_ text: Span<UInt8>, _ index: Int, isField: Bool) -> Bool {
        let byte = text[index]
        if byte.isSpace || byte == 0 || byte.isQuote { return true }
        switch byte {
        case UInt8(ascii: ";"), UInt8(ascii: "<"), UInt8(ascii: "|"), UInt8(ascii: "\\"):
            return true
        case UInt8(ascii: "&"):
            // In the query of an address, another field.
            let name = text.end(of: index + 1, atMost: 40) { isKey($0) }
            return name > index + 1 && text.at(name) == UInt8(ascii: "=")
                || text.has("&amp;", at: index)
        case UInt8(ascii: ","): return isField || !text.at(index + 1).isWord
        case UInt8(ascii: "}"), UInt8(ascii: "]"): return isField
        default: return false
        }
    }

    private static func has(_ text: Span<UInt8>, _ byte: UInt8, _ start: Int, _ end: Int) -> Bool {
        text.end(of: start, atMost: end - start) { $0 != byte } < end
    }

    private static func judged(
        _ text: Span<UInt8>, _ start: Int, _ end: Int, meaning: KeyNames.Meaning, isQuoted: Bool,
        sign: UInt8
    ) -> Finding? {
        guard end > start else { return nil }
        if meaning == .authorization { return credentials(text, start) }
        guard !isPlaceholder(text, start, end) else { return nil }
        let strength = Strength(text, start, end)
        switch meaning {
        case .cardCode:
            return strength.isOfDigitsAlone && (3...4).contains(strength.length)
                ? Finding(.cardCode, start, end) : nil
        case .password:
            return isPassword(text, start, end, strength, isQuoted: isQuoted, sign: sign)
                ? Finding(.password, start, end) : nil
        case .secret:
            return isSecret(text, start, end, strength, isQuoted: isQuoted)
                || isInQuery(text, start, end)
                ? Finding(.apiKey, start, end) : nil
        case .session:
            return strength.length >= 12 && strength.isRandom && isNoPath(text, start, end)
                ? Finding(.token, start, end) : nil
        case .signature:
            return strength.length >= 32 && strength.isRandom && isNoPath(text, start, end)
                ? Finding(.apiKey, start, end) : nil
        case .authorization: return nil
        }
    }

    /// A scheme, then what it carries: `token …`, `ApiKey …`.
    private static func credentials(_ text: Span<UInt8>, _ start: Int) -> Finding? {
        let scheme = text.end(of: start, atMost: 24) { $0.isToken }
        let from = text.at(scheme) == 0x20 ? text.end(of: scheme, atMost: 3) { $0 == 0x20 } : start
        let stop = text.end(of: from, atMost: valueMax) {
            !$0.isSpace && !$0.isQuote && $0 != UInt8(ascii: "\\")
        }
        guard stop - from >= 8, !isPlaceholder(text, from, stop),
            Strength(text, from, stop).isRandom
        else { return nil }
        return Finding(.token, from, stop)
    }

    private static func isPassword(
        _ text: Span<UInt8>, _ start: Int, _ end: Int, _ strength: Strength, isQuoted: Bool,
        sign: UInt8
    ) -> Bool {
        guard strength.length >= 3, isNoPath(text, start, end) else { return false }
        if isQuoted { return strength.differsEnough || strength.length >= 6 }
        if isExpression(text, start, end) {
            return strength.isScrambledTwice
                && text.end(of: start, atMost: end - start) { $0.isToken || $0 == 0x2E } == end
        }
        if sign == UInt8(ascii: "=") { return strength.length >= 4 }
        // Behind a colon there may be a sentence.
        return strength.isPassword || strength.isScrambled || isCommonPassword(text, start, end)
            || strength.isOfDigitsAlone && strength.length >= 4 && strength.length <= 12
            || !strength.isOfLettersAlone && strength.length >= 8
    }

    private static func isSecret(
        _ text: Span<UInt8>, _ start: Int, _ end: Int, _ strength: Strength, isQuoted: Bool
    ) -> Bool {
        guard strength.length >= 8 || isCommonPassword(text, start, end),
            isNoPath(text, start, end), !isExpression(text, start, end),
            text.end(of: start, atMost: end - start, { $0 != 0x20 }) == end
        else { return false }
        return strength.isRandom || strength.isScrambledTwice || isCommonPassword(text, start, end)
            || isQuoted && strength.length >= 12 && strength.isPassword
    }
}
