/// Lines of a password file of Postgres: `HOST:PORT:DATABASE:USER:PASSWORD`, all but the last of
/// which may be `*`.
enum PasswordLines {
    /// `colon` ends the host.
    static func find(_ text: Span<UInt8>, at colon: Int) -> Finding? {
        let port = text.end(of: colon + 1, atMost: 5) { $0.isDigit }
        let portEnd = text.at(colon + 1) == UInt8(ascii: "*") ? colon + 2 : port
        guard portEnd > colon + 1, text.at(portEnd) == UInt8(ascii: ":"),
            isHost(text.at(colon - 1)),
            let databaseEnd = nameEnd(text, portEnd + 1),
            let userEnd = nameEnd(text, databaseEnd + 1)
        else { return nil }
        let start = userEnd + 1
        var end = start
        let stop = min(text.count, start + 128)
        while end < stop, !text[end].isSpace, !text[end].isQuote {
            // `\:` and `\\` are of the password, `\n` is the end of what a command writes.
            if text[end] == UInt8(ascii: "\\") {
                guard
                    text.at(end + 1) == UInt8(ascii: ":") || text.at(end + 1) == UInt8(ascii: "\\")
                else { break }
                end += 1
            } else if text[end] == UInt8(ascii: ":") {
                return nil
            }
            end += 1
        }
        end = min(end, stop)
        guard end - start >= 3, !Assignments.isPlaceholder(text, start, end) else { return nil }
        let strength = Strength(text, start, end)
        return strength.isPassword && !strength.isOfDigitsAlone || strength.isScrambled
            ? Finding(.password, start, end) : nil
    }

    private static func isHost(_ byte: UInt8) -> Bool {
        byte.isWord || byte == UInt8(ascii: "*") || byte == UInt8(ascii: "]")
    }

    /// The colon behind a name or `*`.
    private static func nameEnd(_ text: Span<UInt8>, _ start: Int) -> Int? {
        let first = text.at(start)
        guard first.isLetter || first == UInt8(ascii: "_") || first == UInt8(ascii: "*") else {
            return nil
        }
        let end = text.end(of: start + 1, atMost: 62) { $0.isToken || $0 == UInt8(ascii: ".") }
        return text.at(end) == UInt8(ascii: ":") ? end : nil
    }
}
