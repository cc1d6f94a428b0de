/// Passwords among the words of a command: `mysql -pS3cret`, `sshpass -p S3cret`, `redis-cli -a …`.
enum CommandOptions {
    private enum Form {
        /// `-pS3cret`
        case glued(UInt8)
        /// `-p S3cret`, or glued.
        case apart(UInt8)
        /// `scott/S3cret@orcl`
        case slash(isBare: Bool)
        /// `-U ana%S3cret`
        case percent
        /// `define('DB_PASSWORD', 'S3cret')`
        case pair
        /// The word behind these.
        case behind(StaticString)
        case network, passwordFile, piped, fed, seed
    }

    /// Also of programs that are called `NAME-cli`.
    private static let programs: [(name: StaticString, form: Form)] = [
        ("mysql", .glued(0x70)), ("mysqldump", .glued(0x70)), ("mysqladmin", .glued(0x70)),
        ("mariadb", .glued(0x70)), ("sshpass", .apart(0x70)), ("redis", .apart(0x61)),
        ("login", .apart(0x70)), ("mongo", .apart(0x70)), ("mongosh", .apart(0x70)),
        ("mongodump", .apart(0x70)), ("mongorestore", .apart(0x70)), ("rdesktop", .apart(0x70)),
        ("psexec", .apart(0x70)), ("ldapsearch", .apart(0x77)), ("ldapmodify", .apart(0x77)),
        ("isql", .apart(0x50)), ("sqlcmd", .apart(0x50)), ("bcp", .apart(0x50)),
        ("osql", .apart(0x50)), ("tsql", .apart(0x50)), ("ipmitool", .apart(0x50)),
        ("unzip", .apart(0x50)), ("zip", .apart(0x50)), ("snmpwalk", .apart(0x41)),
        ("snmpget", .apart(0x41)), ("smbclient", .percent), ("sqlplus", .slash(isBare: true)),
        ("expdp", .slash(isBare: true)), ("impdp", .slash(isBare: true)),
        ("sqlldr", .slash(isBare: true)), ("rman", .slash(isBare: false)),
        ("exp", .slash(isBare: false)), ("imp", .slash(isBare: false)),
        ("thin", .slash(isBare: false)), ("define", .pair), ("enable", .behind(" secret ")),
        ("snmp", .behind("-server community ")), ("net", .network), ("htpasswd", .passwordFile),
        ("echo", .piped), ("printf", .piped), ("sudo", .fed), ("oathtool", .seed),
    ]

    static let reach = 160

    /// The program's name is `start..<end`; its options stand in the rest of the line.
    static func password(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        guard
            let form = programs.first(where: {
                $0.name.utf8CodeUnitCount == end - start && text.hasFolded($0.name, at: start)
            })?.form
        else { return nil }
        let line = text.end(of: end, atMost: reach) { $0 != UInt8(ascii: "\n") }
        switch form {
        case .glued(let letter): return option(text, end, line, letter, isApart: false)
        case .apart(let letter): return option(text, end, line, letter, isApart: true)
        case .slash(let isBare): return account(text, end, line, isBare: isBare)
        case .percent: return account(text, end, line, isBare: true, joint: UInt8(ascii: "%"))
        case .pair: return pair(text, end)
        case .network: return CommandPlaces.network(text, end)
        case .passwordFile: return CommandPlaces.passwordFile(text, end)
        case .piped: return CommandPlaces.piped(text, start, end)
        case .fed: return CommandPlaces.fed(text, end)
        case .seed: return Seeds.argument(text, end)
        case .behind(let words):
            guard text.hasFolded(words, at: end) else { return nil }
            var place = end + words.utf8CodeUnitCount
            if text.at(place).isDigit, text.at(place + 1) == 0x20 { place += 2 }
            let stop = Assignments.unquotedEnd(text, place)
            let strength = Strength(text, place, stop)
            return strength.isPassword || strength.isScrambled
                ? Finding(.password, place, stop) : nil
        }
    }

    private static func option(
        _ text: Span<UInt8>, _ end: Int, _ line: Int, _ letter: UInt8, isApart: Bool
    ) -> Finding? {
        var index = end
        while index < line {
            if text[index] == UInt8(ascii: "-"), text[index - 1].isBlank,
                text.at(index + 1) == letter
            {
                return value(text, after: index + 2, isApart: isApart)
            }
            index += 1
        }
        return nil
    }

    /// A name, a sign, and a password as far as an `@`; bare, as far as the next space.
    private static func account(
        _ text: Span<UInt8>, _ end: Int, _ line: Int, isBare: Bool,
        joint: UInt8 = UInt8(ascii: "/")
    ) -> Finding? {
        var index = end
        while index < line {
            let name = text.end(of: index, atMost: line - index) { !isInName($0) }
            let nameEnd = text.end(of: name, atMost: 64) { isInName($0) }
            let isNamed = text.at(nameEnd) == UInt8(ascii: "=")
            defer {
                index =
                    isNamed
                    ? nameEnd + 1
                    : text.end(of: max(nameEnd, name + 1), atMost: 200) { isInWord($0) }
            }
            guard nameEnd > name, text.at(nameEnd) == joint, text[name].isLetter,
                text[name - 1].isBlank || text[name - 1].isQuote || text[name - 1] == 0x3D
                    || text[name - 1] == UInt8(ascii: ":")
            else { continue }
            let wordEnd = text.end(of: nameEnd + 1, atMost: 200) { isInWord($0) }
            // Of several, the last: `scott/S3cret@1@orcl`, but not that of `@//host/a@b`.
            let host = text.end(of: nameEnd + 1, atMost: wordEnd - nameEnd - 1) { $0 != joint }
            var stop = min(host, wordEnd)
            while stop > nameEnd, text.at(stop) != UInt8(ascii: "@") { stop -= 1 }
            if stop == nameEnd {
                guard isBare, host >= wordEnd else { continue }
                stop = wordEnd
            }
            guard stop - nameEnd > 3, !Assignments.isPlaceholder(text, nameEnd + 1, stop) else {
                continue
            }
            return Finding(.password, nameEnd + 1, stop)
        }
        return nil
    }

    private static func isInName(_ byte: UInt8) -> Bool {
        byte.isToken || byte == UInt8(ascii: "$") || byte == UInt8(ascii: "#")
    }

    private static func isInWord(_ byte: UInt8) -> Bool { !byte.isSpace && !byte.isQuote }

    private static func pair(_ text: Span<UInt8>, _ end: Int) -> Finding? {
        let name = text.end(of: end, atMost: 4) {
            $0 == 0x20 || $0 == UInt8(ascii: "(") || $0.isQuote
        }
        let nameEnd = text.end(of: name, atMost: 64) { Assignments.isKey($0) }
        guard text.at(nameEnd).isQuote, KeyNames.meaning(text, name, nameEnd) == .password else {
            return nil
        }
        let open = text.end(of: nameEnd + 1, atMost: 4) { $0 == 0x20 || $0 == UInt8(ascii: ",") }
        guard text.at(open).isQuote, text.at(nameEnd + 1) == UInt8(ascii: ",") else { return nil }
        let stop = text.end(of: open + 1, atMost: 128) {
            $0 != text[open] && $0 != UInt8(ascii: "\n")
        }
        guard stop > open + 3, !Assignments.isPlaceholder(text, open + 1, stop) else { return nil }
        return Finding(.password, open + 1, stop)
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
