/// What stands where a secret would, and is none.
extension Assignments {
    static func isPlaceholder(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        let first = text[start]
        switch first {
        case UInt8(ascii: "$")
        where text.at(start + 1) == UInt8(ascii: "{")
            || text.at(start + 1) == UInt8(ascii: "(")
            || text.at(start + 1).isUpper
                && text.end(of: start + 1, { $0.isUpper || $0 == UInt8(ascii: "_") || $0.isDigit })
                    == end:
            return true
        case UInt8(ascii: "<"): return true
        case UInt8(ascii: "{")
        where text.at(start + 1) == UInt8(ascii: "{") || text[end - 1] == UInt8(ascii: "}"):
            return true
        case UInt8(ascii: "%")
        where text[end - 1] == UInt8(ascii: "%") || text.at(start + 1) == UInt8(ascii: "("):
            return true
        case UInt8(ascii: "["):
            let word = text.end(of: start + 1, atMost: 64) { $0.isToken }
            if word > start + 1, text.at(word) == UInt8(ascii: "]") { return true }
            if text[end - 1] == UInt8(ascii: "]") { return true }
        default: break
        }
        if text.has("***", at: start) || text.has("...", at: start) || text.has("xxxx", at: start)
            || text.has("XXXX", at: start) || text.has("\u{2022}", at: start)
        {
            return true
        }
        if isUniform(text, start, end) { return true }
        return isWord(text, start, end) || isExample(text, start, end)
    }

    private static func isUniform(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        for index in start..<end where text[index] != text[start] { return false }
        return true
    }

    private static func isWord(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        let words: [StaticString] = [
            "null", "none", "nil", "undefined", "true", "false", "yes", "no", "string", "text",
            "required", "optional", "redacted", "masked", "hidden", "removed", "empty", "unset",
            "password", "passwd", "secret", "token", "basic", "bearer", "placeholder", "varchar",
            "default", "enabled", "disabled", "todo", "tbd", "n/a",
            "value", "prompt", "invalid", "incorrect", "expired", "wrong", "missing", "reset",
            "encrypted", "filtered", "omitted", "object", "number", "char", "sha256", "bcrypt",
            "unknown", "test", "hashed", "str", "int", "bool", "integer", "boolean",
        ]
        return words.contains {
            end - start == $0.utf8CodeUnitCount && text.hasFolded($0, at: start)
        }
    }

    /// The passwords that most people take, and that ship with products. Where a word may stand in
    /// the place of a password, these are none of its words.
    static func isCommonPassword(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        guard (4...10).contains(end - start) else { return false }
        let words: [StaticString] = [
            "qwerty", "qwertz", "azerty", "letmein", "dragon", "swordfish", "monkey", "iloveyou",
            "football", "baseball", "sunshine", "princess", "superman", "batman", "hunter2",
            "trustno1", "passw0rd", "changeme", "changeit", "change_me", "starwars", "whatever",
            "mustang", "killer", "hello123", "welcome1", "admin123", "abc123", "qazwsx", "1q2w3e",
            "zaq12wsx", "asdfgh", "foobar", "foobared", "toor", "hunter", "pokemon", "charlie",
            "jordan", "michael", "liverpool", "arsenal", "chelsea", "soleil", "doudou", "loulou",
            "schatz", "geheim", "hallo", "tinkle", "calvin", "ninja", "s3cret", "secret1",
            "test123",
        ]
        return words.contains {
            end - start == $0.utf8CodeUnitCount && text.hasFolded($0, at: start)
        }
    }

    /// Nothing goes on behind it: the end of a sentence, a field or a line.
    static func endsThere(_ text: Span<UInt8>, _ end: Int) -> Bool {
        let next = text.at(end)
        return next == 0 || next == UInt8(ascii: ".") || next == UInt8(ascii: ",") || next.isQuote
            || next == UInt8(ascii: "\n") || next == UInt8(ascii: "\r")
    }

    /// `YOUR_API_KEY`, `your-token-here`, `<insert key>`, `example`.
    private static func isExample(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        for word in [
            "your_", "your-", "my_", "insert", "enter_", "replace", "example", "dummy", "fake_",
        ]
            as [StaticString] where text.hasFolded(word, at: start)
        {
            return Strength(text, start, end).isOfWords
        }
        return text.hasFolded("_here", at: end - 5) || text.hasFolded("-here", at: end - 5)
            || text.hasFolded("os.environ", at: start) || text.hasFolded("process.env", at: start)
            || text.hasFolded("getenv", at: start) || text.hasFolded("env.", at: start)
            || text.hasFolded("env(", at: start) || text.hasFolded("vault:", at: start)
            || text.hasFolded("secrets.", at: start) || text.hasFolded("arn:", at: start)
            || text.hasFolded("var.", at: start) || text.hasFolded("@{", at: start)
    }

    /// `request.form`, `get_password()`, `self.password`: names, joined by dots or called.
    static func isExpression(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        guard text[start].isLetter || text[start] == UInt8(ascii: "_") else { return false }
        var hasJoint = false
        var index = start
        while index < end {
            let byte = text[index]
            if byte == UInt8(ascii: "(") || byte == UInt8(ascii: "[") {
                let close: UInt8 = byte == UInt8(ascii: "(") ? 0x29 : 0x5D
                return text.end(of: index, atMost: end - index) { $0 != close } < end
            }
            if byte == UInt8(ascii: ".") {
                hasJoint = true
            } else if !(byte.isLetter || byte == UInt8(ascii: "_")) {
                return false
            }
            index += 1
        }
        return hasJoint && text[end - 1].isLetter
    }

    /// No address, no file.
    static func isNoPath(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        if text.hasFolded("http://", at: start) || text.hasFolded("https://", at: start) {
            return false
        }
        if text.has("//", at: start) || text.has("./", at: start) || text.has("~/", at: start)
            || text.has("../", at: start) || text.hasFolded("file:", at: start)
        {
            return false
        }
        guard text[start] == UInt8(ascii: "/") else { return true }
        var slashes = 0
        var others = 0
        for index in start..<end {
            if text[index] == UInt8(ascii: "/") { slashes += 1 }
            if !(text[index].isToken || text[index] == UInt8(ascii: "/")
                || text[index] == UInt8(ascii: "."))
            {
                others += 1
            }
        }
        return slashes < 2 || others > 0
    }
}
