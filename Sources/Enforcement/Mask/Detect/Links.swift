/// Credentials in addresses: `scheme://user:password@host`.
enum Links {
    struct Credentials {
        var finding: Finding?
        /// Where the host begins; what stands before it is no e-mail address.
        var hostStart: Int
    }

    /// `colon` is the place of `://`.
    static func credentials(_ text: Span<UInt8>, colon: Int) -> Credentials? {
        guard text.at(colon - 1).isWord else { return nil }
        let start = colon + 3
        guard let at = userEnd(text, start) else { return nil }
        var credentials = Credentials(finding: nil, hostStart: at + 1)
        let user = text.end(of: start, atMost: at - start) { $0 != UInt8(ascii: ":") }
        if user < at {
            let from = user + 1
            if at > from, !Assignments.isPlaceholder(text, from, at) || !isTemplate(text, from) {
                credentials.finding = Finding(.password, from, at)
            }
        } else if at - start >= 20, Strength(text, start, at).isRandom {
            // A token in the place of the user.
            credentials.finding = Finding(.apiKey, start, at)
        }
        return credentials
    }

    /// `${PASSWORD}`, `<password>`, `***` are no passwords; a word may be one.
    private static func isTemplate(_ text: Span<UInt8>, _ start: Int) -> Bool {
        let first = text[start]
        return !(first.isWord)
    }

    /// The last `@` of the authority. A password may hold `/`, `?` or `#` that nobody escaped:
    /// then the `@` behind it counts, as long as a host follows.
    private static func userEnd(_ text: Span<UInt8>, _ start: Int) -> Int? {
        let stop = text.end(of: start, atMost: 512) {
            $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "<")
                && $0 != UInt8(ascii: ">")
                && $0 != UInt8(ascii: "`")
        }
        let authority = text.end(of: start, atMost: stop - start) {
            $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
        }
        if let at = last(text, start, authority) { return at }
        let colon = text.end(of: start, atMost: authority - start) { $0 != UInt8(ascii: ":") }
        guard colon < authority,
            !text.at(colon + 1).isDigit || text.at(colon + 6) != UInt8(ascii: "/"),
            let at = last(text, authority, stop), text.at(at + 1).isWord
        else { return nil }
        // A port is a number and no password.
        let digits = text.end(of: colon + 1, atMost: 6) { $0.isDigit }
        return digits == authority ? nil : at
    }

    private static func last(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
        var index = end
        while index > start {
            index -= 1
            if text[index] == UInt8(ascii: "@") { return index }
        }
        return nil
    }
}
