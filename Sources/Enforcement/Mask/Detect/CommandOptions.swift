/// Passwords among the words of a command: `mysql -pS3cret`, `sshpass -p S3cret`, `redis-cli -a …`.
enum CommandOptions {
    private struct Program {
        let name: StaticString
        /// Also of programs that are called `NAME-cli`.
        let letter: UInt8
        /// Whether a space may stand between the letter and its value.
        let isApart: Bool
    }

    private static let programs: [Program] = [
        Program(name: "mysql", letter: UInt8(ascii: "p"), isApart: false),
        Program(name: "mysqldump", letter: UInt8(ascii: "p"), isApart: false),
        Program(name: "mysqladmin", letter: UInt8(ascii: "p"), isApart: false),
        Program(name: "mariadb", letter: UInt8(ascii: "p"), isApart: false),
        Program(name: "sshpass", letter: UInt8(ascii: "p"), isApart: true),
        Program(name: "redis", letter: UInt8(ascii: "a"), isApart: true),
        Program(name: "login", letter: UInt8(ascii: "p"), isApart: true),
        Program(name: "mongo", letter: UInt8(ascii: "p"), isApart: true),
        Program(name: "mongosh", letter: UInt8(ascii: "p"), isApart: true),
        Program(name: "mongodump", letter: UInt8(ascii: "p"), isApart: true),
        Program(name: "ldapsearch", letter: UInt8(ascii: "w"), isApart: true),
        Program(name: "ldapmodify", letter: UInt8(ascii: "w"), isApart: true),
    ]

    static let reach = 160

    /// The program's name is `start..<end`; its options stand in the rest of the line.
    static func password(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        guard
            let program = programs.first(where: {
                $0.name.utf8CodeUnitCount == end - start && text.hasFolded($0.name, at: start)
            })
        else { return nil }
        let line = text.end(of: end, atMost: reach) { $0 != UInt8(ascii: "\n") }
        var index = end
        while index < line {
            guard text[index] == UInt8(ascii: "-"), text[index - 1].isBlank,
                text.at(index + 1) == program.letter
            else {
                index += 1
                continue
            }
            return value(text, after: index + 2, isApart: program.isApart)
        }
        return nil
    }

    private static func value(
        _ text: Span<UInt8>, after letter: Int, isApart: Bool
    ) -> Finding? {
        var start = letter
        if isApart { start = text.end(of: start, atMost: 4) { $0.isBlank } }
        let quote = text.at(start)
        if quote.isQuote { start += 1 }
        let end = text.end(of: start, atMost: 128) {
            quote.isQuote ? $0 != quote && $0 != UInt8(ascii: "\n") : !$0.isSpace && !$0.isQuote
        }
        // What begins with a dash is another option.
        guard end - start >= 3, text[start] != UInt8(ascii: "-"),
            !Assignments.isPlaceholder(text, start, end)
        else { return nil }
        return Finding(.password, start, end)
    }
}
