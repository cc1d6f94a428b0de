/// Other forms in which a name gives a value away.
extension Assignments {
    /// `curl -u ana:S3cret`.
    static func userOption(_ text: Span<UInt8>, sign: Int, keyStart: Int) -> Finding? {
        guard text[sign] == UInt8(ascii: ":") else { return nil }
        var option = text.start(of: keyStart, atMost: 2) {
            $0 == 0x20 || $0.isQuote || $0 == UInt8(ascii: "=")
        }
        guard option < keyStart else { return nil }
        if text.has("--user", at: option - 6) || text.has("--proxy-user", at: option - 12)
            || text.has(" -u", at: option - 3) || text.has(" -U", at: option - 3)
        {
            option = sign + 1
            let end = unquotedEnd(text, option)
            let strength = Strength(text, option, end)
            // `sort -u file:line`
            let isFetching =
                text.start(of: keyStart, atMost: 120) { $0 != UInt8(ascii: "\n") }..<keyStart
            guard end - option >= 4, !isPlaceholder(text, option, end), !strength.isOfDigitsAlone,
                strength.isPassword || isFetching.contains(where: { text.has("curl", at: $0) })
            else { return nil }
            return Finding(.password, option, end)
        }
        return nil
    }

    /// `"name": "DB_PASSWORD", "value": "…"`: what the name of this pair is, if this is its value.
    static func pairedMeaning(
        _ text: Span<UInt8>, _ keyStart: Int, _ keyEnd: Int
    ) -> KeyNames.Meaning? {
        guard keyEnd - keyStart == 5, text.hasFolded("value", at: keyStart) else { return nil }
        let end = text.start(of: keyStart, atMost: 32) {
            $0.isSpace || $0.isQuote || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\\")
                || $0 == UInt8(ascii: ";")
        }
        let start = text.start(of: end, atMost: 64) { isKey($0) }
        guard start < end, end < keyStart else { return nil }
        let sign = text.start(of: start, atMost: 6) { isAround($0) } - 1
        guard text.at(sign) == UInt8(ascii: ":") || text.at(sign) == UInt8(ascii: "=") else {
            return nil
        }
        let nameEnd = text.start(of: sign, atMost: 6) { isAround($0) }
        guard
            text.hasFolded("name", at: nameEnd - 4) || text.hasFolded("key", at: nameEnd - 3)
        else { return nil }
        return KeyNames.meaning(text, start, end)
    }

    /// `"password": {"value": "…"}`: the sign within, where what is named is an object of one value.
    static func innerSign(_ text: Span<UInt8>, after sign: Int) -> Int? {
        let open = text.end(of: sign + 1, atMost: 4) { $0.isSpace }
        guard text.at(open) == UInt8(ascii: "{"), text.at(open + 1) != UInt8(ascii: "{") else {
            return nil
        }
        let key = text.end(of: open + 1, atMost: 40) {
            $0.isSpace || $0.isQuote || $0 == UInt8(ascii: "\\")
        }
        let keyEnd = text.end(of: key, atMost: 24) { isKey($0) || $0 == UInt8(ascii: "#") }
        let isValue = ["value", "plain", "plaintext", "text", "#text", "raw", "data", "current"]
            .contains { (name: StaticString) in
                name.utf8CodeUnitCount == keyEnd - key && text.hasFolded(name, at: key)
            }
        guard isValue else { return nil }
        let inner = text.end(of: keyEnd, atMost: 6) { isAround($0) }
        return text.at(inner) == UInt8(ascii: ":") ? inner : nil
    }

    /// `?token=…&`: in the query of an address a value is a value, whatever it looks like.
    static func isInQuery(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        guard text.at(start - 1) == UInt8(ascii: "="), end - start >= 8,
            text.end(of: start, atMost: end - start, { $0.isToken }) == end
        else { return false }
        let key = text.start(of: start - 1, atMost: 64) { isKey($0) }
        return text.at(key - 1) == UInt8(ascii: "?") || text.at(key - 1) == UInt8(ascii: "&")
    }

    /// `password is hunterabc`: one word of small letters with no ending that tells how something
    /// is. `password is required`, `is being reset`, `is too short` say nothing that is secret.
    static func isNoPredicate(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        guard end - start >= 7, text.end(of: start, atMost: end - start, { $0.isLetter }) == end
        else { return false }
        guard endsThere(text, end) else { return false }
        let endings: [StaticString] = [
            "ed", "ing", "able", "ible", "al", "ory", "ary", "ent", "ant", "ive", "ly", "ous",
            "ful", "less", "ect", "ten", "sen", "ake", "own", "ain", "lt", "ort", "ord", "ime",
            "ore", "ert", "ich", "isch", "ise", "ire", "nte", "rio", "cta", "cto", "ada", "ado",
            "ida", "ido", "ria", "ide", "en", "ic", "ere", "lex", "ple", "er",
        ]
        return !endings.contains { text.hasFolded($0, at: end - $0.utf8CodeUnitCount) }
    }
}
