/// The words of one command, as a shell splits them, without their quotes: as far as the end of the
/// line, a pipe, another command or a file that is written.
struct CommandWords {
    private let stop: Int
    private(set) var index: Int
    /// The quote around the last word; 0 where there was none.
    private(set) var quote: UInt8 = 0

    private static let reach = 240

    init(_ text: Span<UInt8>, from start: Int) {
        index = start
        stop = text.end(of: start, atMost: Self.reach) { $0 != UInt8(ascii: "\n") }
    }

    mutating func next(_ text: Span<UInt8>) -> Range<Int>? {
        index = text.end(of: index, atMost: max(0, stop - index)) { $0.isBlank }
        guard index < stop, !Self.endsCommand(text, index) else { return nil }
        quote = text[index].isQuote ? text[index] : 0
        let start = quote > 0 ? index + 1 : index
        let end = text.end(of: start, atMost: stop - start) {
            quote > 0 ? $0 != quote : !$0.isSpace && !$0.isQuote && $0 != UInt8(ascii: "|")
        }
        index = quote > 0 ? min(stop, end + 1) : end
        return end > start ? start..<end : nil
    }

    private static func endsCommand(_ text: Span<UInt8>, _ index: Int) -> Bool {
        switch text[index] {
        case UInt8(ascii: "|"), UInt8(ascii: ";"), UInt8(ascii: ">"), UInt8(ascii: "<"): true
        case UInt8(ascii: "&"): text.at(index + 1) == UInt8(ascii: "&")
        default: false
        }
    }

    /// A word that is a password by its place, unless something else stands for it.
    func password(_ text: Span<UInt8>, _ word: Range<Int>) -> Finding? {
        let first = text[word.lowerBound]
        // In single quotes a shell puts nothing else in its place.
        let isExpanded =
            quote == UInt8(ascii: "`")
            || first == UInt8(ascii: "$") && quote != UInt8(ascii: "'")
        guard word.count >= 3, !isExpanded,
            !Assignments.isPlaceholder(text, word.lowerBound, word.upperBound)
        else { return nil }
        return Finding(.password, word.lowerBound, word.upperBound)
    }
}

/// Passwords that commands take by their place: `net use Z: \\nas\data S3cret /user:ana`,
/// `htpasswd -b FILE ana S3cret`, `echo S3cret | sudo -S id`.
enum CommandPlaces {
    // MARK: net

    static func network(_ text: Span<UInt8>, _ end: Int) -> Finding? {
        var words = CommandWords(text, from: text.hasFolded(".exe", at: end) ? end + 4 : end)
        guard let verb = words.next(text) else { return nil }
        if isWord("use", text, verb) { return share(text, &words) }
        return isWord("user", text, verb) ? account(text, &words) : nil
    }

    private static func isWord(_ word: StaticString, _ text: Span<UInt8>, _ range: Range<Int>)
        -> Bool
    {
        range.count == word.utf8CodeUnitCount && text.hasFolded(word, at: range.lowerBound)
    }

    /// Behind the share, the one word that is no option.
    private static func share(_ text: Span<UInt8>, _ words: inout CommandWords) -> Finding? {
        var isBehind = false
        while let word = words.next(text) {
            if text.has("\\\\", at: word.lowerBound) {
                isBehind = true
            } else if isBehind, text[word.lowerBound] != UInt8(ascii: "/") {
                return words.password(text, word)
            }
        }
        return nil
    }

    /// `net user ana S3cret /add`: without an option, these are words of a sentence too.
    private static func account(_ text: Span<UInt8>, _ words: inout CommandWords) -> Finding? {
        guard words.next(text) != nil, let word = words.next(text),
            text[word.lowerBound] != UInt8(ascii: "/"), let finding = words.password(text, word)
        else { return nil }
        let next = words.next(text)
        let strength = Strength(text, word.lowerBound, word.upperBound)
        return next.map { text[$0.lowerBound] == UInt8(ascii: "/") } == true || strength.isPassword
            || strength.isScrambled ? finding : nil
    }

    // MARK: htpasswd

    /// With `-b` the password is the last of `FILE USER PASSWORD`; with `-n` there is no file.
    static func passwordFile(_ text: Span<UInt8>, _ end: Int) -> Finding? {
        var words = CommandWords(text, from: end)
        var isGiven = false
        var isPrinted = false
        var word = words.next(text)
        while let option = word, text[option.lowerBound] == UInt8(ascii: "-") {
            isGiven = isGiven || option.contains { text[$0] == UInt8(ascii: "b") }
            isPrinted = isPrinted || option.contains { text[$0] == UInt8(ascii: "n") }
            // What it costs is a word of its own.
            if text[option.upperBound - 1] == UInt8(ascii: "C") { _ = words.next(text) }
            word = words.next(text)
        }
        guard isGiven else { return nil }
        for _ in 0..<(isPrinted ? 1 : 2) { word = words.next(text) }
        return word.flatMap { words.password(text, $0) }
    }

    // MARK: Standard input

    /// `echo S3cret | sudo -S id`, `echo ana:S3cret | chpasswd`.
    static func piped(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        var words = CommandWords(text, from: end)
        var word = words.next(text)
        while let option = word, text[option.lowerBound] == UInt8(ascii: "-") {
            word = words.next(text)
        }
        if let format = word, isWord("printf", text, start..<end),
            format.contains(where: { text.has("%s", at: $0) })
        {
            word = words.next(text)
        }
        guard let said = word, words.next(text) == nil, text.at(words.index) == UInt8(ascii: "|"),
            let reader = reader(text, from: words.index + 1)
        else { return nil }
        // The end of a line that `printf` is to write is none of it.
        var stop = said.upperBound
        if text.has("\\n", at: stop - 2) { stop -= 2 }
        var start = said.lowerBound
        if case .accounts = reader {
            start = text.end(of: start, atMost: said.count) { $0 != UInt8(ascii: ":") } + 1
        }
        return start < stop ? words.password(text, start..<stop) : nil
    }

    /// `sudo -S <<< S3cret`.
    static func fed(_ text: Span<UInt8>, _ end: Int) -> Finding? {
        var words = CommandWords(text, from: end)
        var asks = false
        while let word = words.next(text) { asks = asks || isStandardInput(text, word) }
        guard asks, text.has("<<<", at: words.index) else { return nil }
        words = CommandWords(text, from: words.index + 3)
        return words.next(text).flatMap { words.password(text, $0) }
    }

    private enum Reader {
        case password
        /// `USER:PASSWORD`
        case accounts
    }

    private static let readers: [(name: StaticString, reads: Reader)] = [
        ("kinit", .password), ("su", .password), ("cryptsetup", .password),
        ("smbpasswd", .password), ("veracrypt", .password), ("chpasswd", .accounts),
    ]

    /// What the command behind a pipe takes its input for; nil for what is no password.
    private static func reader(_ text: Span<UInt8>, from start: Int) -> Reader? {
        var words = CommandWords(text, from: start)
        var isSudo = false
        var isFirst = true
        while let word = words.next(text) {
            if isFirst, isWord("sudo", text, word) {
                isSudo = true
            } else if isFirst {
                if let known = readers.first(where: { isWord($0.name, text, word) }) {
                    return known.reads
                }
                isFirst = isSudo && text[word.lowerBound] == UInt8(ascii: "-")
            }
            if isSudo && isStandardInput(text, word) || takesInput(text, word) { return .password }
        }
        return nil
    }

    /// `-S`, `-kS`.
    private static func isStandardInput(_ text: Span<UInt8>, _ word: Range<Int>) -> Bool {
        text[word.lowerBound] == UInt8(ascii: "-")
            && text.at(word.lowerBound + 1) != UInt8(ascii: "-")
            && word.count <= 6 && word.contains { text[$0] == UInt8(ascii: "S") }
    }

    private static func takesInput(_ text: Span<UInt8>, _ word: Range<Int>) -> Bool {
        ["--password-stdin", "--passphrase-fd", "--stdin", "--pass-stdin", "--passin=stdin"]
            .contains {
                (option: StaticString) in text.hasFolded(option, at: word.lowerBound)
            }
    }
}
