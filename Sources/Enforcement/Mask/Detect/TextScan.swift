/// Where in this text are values that people are known by, or that let someone in?
///
/// One pass. The text is taken word by word; what begins with a digit, a known prefix or a known
/// word is handed to the detector for it, and so are the few signs that join values (`@`, `:`,
/// `=`, `+`, `-`, `<`). No detector looks further than a bound of its own or reads a byte that
/// it has not taken more than a fixed number of times, so the time grows with the text and
/// nothing else. It must never follow a value back and forth: that is what makes expressions slow.
enum TextScan {
    /// Appends in no particular order; hits may overlap. Answers what else is to be done about the
    /// text. `around` is what is known about the whole
    /// text, such as the name of its column.
    static func find(
        in text: Span<UInt8>, around: Meaning = .nothing, isDecoded: Bool = false,
        into findings: inout [Finding]
    ) -> Needs {
        var scan = WordScan()
        return find(in: text, around: around, isDecoded: isDecoded, into: &findings, by: &scan)
    }

    /// With a scan that is kept from one text to the next: what it looks up is shared by all
    /// threads, and each new reference to that would be counted.
    static func find(
        in text: Span<UInt8>, around: Meaning, isDecoded: Bool, into findings: inout [Finding],
        by scan: inout WordScan
    ) -> Needs {
        scan.begin(around: around, isDecoded: isDecoded)
        var index = 0
        while index < text.count {
            let kind = ByteClass(rawValue: scan.classes[Int(text[index])])
            if kind.isEmpty {
                index += 1
                continue
            }
            if kind.isDisjoint(with: .word) {
                index =
                    kind == .wide
                    ? scan.wide(text, at: index, into: &findings)
                    : scan.sign(text, at: index, into: &findings)
                continue
            }
            let start = index
            var seen = kind
            index += 1
            while index < text.count {
                let next = ByteClass(rawValue: scan.classes[Int(text[index])])
                if next.isDisjoint(with: .word) { break }
                seen.formUnion(next)
                index += 1
            }
            if index - start >= EncodedRuns.wordMin { scan.needs.formUnion(.runs) }
            index = scan.word(text, start, index, seen, into: &findings)
        }
        return scan.needs
    }
}

/// What of a text must be made plain or decoded.
struct Needs: OptionSet {
    let rawValue: UInt8

    static let plain = Needs(rawValue: 1)
    static let escapes = Needs(rawValue: 2)
    static let runs = Needs(rawValue: 4)
}

/// What the main loop does at each word and sign, and the little that it must remember.
struct WordScan {
    private(set) var around = Meaning.nothing
    /// A layer of escapes was taken off: a backslash in front of a quote is just one.
    private(set) var isDecoded = false
    fileprivate(set) var needs: Needs = []
    /// Before it an `@` belongs to an address, `://ana@host`, and is no e-mail.
    private var hostStart = 0
    private var wideEnd = 0
    private var foundEnd = -1
    fileprivate let classes = ByteClass.table
    private let words = WordTable.shared
    private let keys = VendorKeys.shared

    fileprivate mutating func begin(around: Meaning, isDecoded: Bool) {
        self.around = around
        self.isDecoded = isDecoded
        needs = []
        hostStart = 0
        wideEnd = 0
        foundEnd = -1
    }

    /// Where to go on: behind the value, if one was found.
    private mutating func taken(
        _ finding: Finding, _ findings: inout [Finding], atLeast end: Int
    ) -> Int {
        findings.append(finding)
        foundEnd = finding.end
        return max(end, finding.end)
    }

    // MARK: Words

    mutating func word(
        _ text: Span<UInt8>, _ start: Int, _ end: Int, _ seen: ByteClass,
        into findings: inout [Finding]
    ) -> Int {
        if let key = keys.find(text, at: start) {
            return taken(key, &findings, atLeast: end)
        }
        if seen.isDisjoint(with: .digit) { return letters(text, start, end, seen, into: &findings) }
        if end - start == 4, seen.isDisjoint(with: .letter),
            let stampEnd = Dates.stampEnd(text, at: start)
        {
            return stampEnd
        }
        if let finding = mixed(text, start, end, seen) {
            return taken(finding, &findings, atLeast: end)
        }
        return end
    }

    private mutating func letters(
        _ text: Span<UInt8>, _ start: Int, _ end: Int, _ seen: ByteClass,
        into findings: inout [Finding]
    ) -> Int {
        let length = end - start
        if length >= 12, let finding = long(text, start, end) {
            return taken(finding, &findings, atLeast: end)
        }
        if length == 2 || length == 1 {
            if let finding = LetterIDs.spaced(text, start, end) {
                return taken(finding, &findings, atLeast: end)
            }
        }
        if length <= 4, seen.isDisjoint(with: .notHex),
            let finding = hexWord(text, start, end)
        {
            return taken(finding, &findings, atLeast: end)
        }
        if length == 1, text.has("b. ", at: start), start + 3 < text.count,
            let stop = Dates.date(text, at: start + 3)
        {
            findings.append(Finding(.birthDate, start + 3, stop))
        }
        if length == 1, text.hasFolded("d.o.b", at: start),
            let date = Dates.birth(text, after: start + 5)
        {
            findings.append(date)
        }
        guard length >= 3 || text.at(end) >= 0x80, words.mayLead(text, start) else {
            return end
        }
        return lead(text, start, end, into: &findings)
    }

    /// A word after which a value may stand.
    private func lead(
        _ text: Span<UInt8>, _ start: Int, _ end: Int, into findings: inout [Finding]
    ) -> Int {
        let end = text.end(of: end, atMost: 24) { $0.isWord || $0 >= 0x80 }
        let cues = words.meaning(text, start, end).cues
        guard !cues.isDisjoint(with: .leading) else { return end }
        var finding: Finding?
        if cues.contains(.birth) { finding = Dates.birth(text, after: end) }
        if cues.contains(.passport) {
            finding = Documents.number(text, after: end, kind: .passport)
        }
        if cues.contains(.licence) {
            finding = Documents.number(text, after: end, kind: .nationalID)
        }
        if cues.contains(.bearer) { finding = Secrets.bearer(text, after: end) }
        if cues.contains(.basic) { finding = Secrets.basic(text, after: end) }
        if cues.contains(.secret) { finding = Assignments.prose(text, after: end) }
        if cues.contains(.cardCode) { finding = cardCode(text, start, end) }
        if cues.contains(.credential) { finding = Assignments.option(text, after: end) }
        // What stands between is looked at all the same: `born 3 Feb 1984` may go on with a name.
        if let finding { findings.append(finding) }
        return end
    }

    /// `CVV 123`
    private func cardCode(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        guard text.hasFolded("cv", at: start), text.at(end) == 0x20 else { return nil }
        let stop = text.end(of: end + 1, atMost: 5) { $0.isDigit }
        guard (3...4).contains(stop - end - 1), !text.at(stop).isWord else { return nil }
        return Finding(.cardCode, end + 1, stop)
    }

    /// Words of letters and digits.
    private func mixed(
        _ text: Span<UInt8>, _ start: Int, _ end: Int, _ seen: ByteClass
    ) -> Finding? {
        let length = end - start
        let next = text.at(end)
        if seen.isDisjoint(with: .notHex), length <= 4, let finding = hexWord(text, start, end) {
            return finding
        }
        if seen.isDisjoint(with: .letter) {
            if NumberRun.isWorthwhile(text, at: start),
                let finding = NumberScan(
                    text, at: start, around: around, foundEnd: foundEnd
                ).finding(in: text)
            {
                return finding
            }
            if next == UInt8(ascii: "-") || next == UInt8(ascii: "+") || next == 0x20,
                let finding = LetterIDs.spaced(text, start, end)
            {
                return finding
            }
            if next == UInt8(ascii: ":"), (8...10).contains(length) {
                return telegram(text, start, end)
            }
            return length >= 16 ? long(text, start, end) : nil
        }
        if length >= 4, text[start].isLetter, text[start + 1].isLetter, text[start + 2].isDigit,
            let iban = IBANs.find(text, at: start)
        {
            return iban
        }
        if length > 18, text.hasFolded("iban", at: start),
            let iban = IBANs.find(text, at: start + 4)
        {
            return iban
        }
        if length == 12, seen.isDisjoint(with: .notHex), text.hasFolded("mac ", at: start - 4),
            !text.at(start - 5).isWord
        {
            return Finding(.mac, start, end)
        }
        if length == 5, text.has("Q~", at: end - 1), text[end - 2].isDigit {
            return azure(text, start, end)
        }
        if (8...18).contains(length), let id = LetterIDs.find(text, start, end) { return id }
        if length == 11, LetterIDs.isFinnish(text, start) {
            return Finding(.nationalID, start, end)
        }
        if length >= 25, let wallet = Wallets.find(text, start, end) { return wallet }
        if length >= 14, let card = gluedCard(text, start, end) { return card }
        return length >= 12 ? long(text, start, end) : nil
    }

    /// The first group of an address in hexadecimal digits.
    private func hexWord(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
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

    /// `visa4111111111111111`.
    private func gluedCard(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        let digits = text.end(of: start, atMost: 12) { $0.isLetter }
        guard digits > start, (13...19).contains(end - digits),
            words.meaning(text, start, digits).cues.contains(.card)
        else { return nil }
        let number = Digits(text, digits, end)
        return number.count == end - digits && Cards.isCard(number, number.count)
            ? Finding(.card, digits, end) : nil
    }

    /// The secret of an application of Entra ID: `abc8Q~`, then 31 to 34 characters.
    private func azure(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        let stop = text.end(of: end + 1, atMost: 35) {
            $0.isToken || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "~")
        }
        return (31...34).contains(stop - end - 1) ? Finding(.apiKey, start, stop) : nil
    }

    /// A bot's token: its number, a colon, 35 letters.
    private func telegram(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        let stop = text.end(of: end + 1, atMost: 40) { $0.isToken }
        guard stop - end - 1 == 35, text[end + 1] == UInt8(ascii: "A"),
            Strength(text, end + 1, stop).isRandom
        else { return nil }
        return Finding(.apiKey, start, stop)
    }

    /// Long words that have a structure.
    private func long(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
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

    private func discord(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
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

    // MARK: Signs

    mutating func sign(
        _ text: Span<UInt8>, at index: Int, into findings: inout [Finding]
    ) -> Int {
        var finding: Finding?
        switch text[index] {
        case UInt8(ascii: "@"):
            if index >= hostStart { finding = Emails.find(text, at: index) }
        case UInt8(ascii: "%"), UInt8(ascii: "\\"), UInt8(ascii: "&"):
            needs.formUnion(.escapes)
            return index + 1
        case UInt8(ascii: "+"):
            needs.formUnion(.escapes)
            finding = Phones.international(text, plus: index)
        case UInt8(ascii: ":"): finding = colon(text, index)
        case UInt8(ascii: "="): finding = Assignments.find(text, sign: index, isDecoded: isDecoded)
        case UInt8(ascii: "<"):
            if let end = text.issuedTokenEnd(at: index) { return end }
            if text.at(index + 1).isLetter { finding = Assignments.element(text, open: index) }
        case UInt8(ascii: "-"):
            if text.at(index + 1) == UInt8(ascii: "-"), text.at(index + 2) == UInt8(ascii: "-") {
                finding = Secrets.pem(text, at: index)
                // A line of dashes is looked at once.
                if finding == nil { return text.end(of: index) { $0 == UInt8(ascii: "-") } }
            }
        default: break
        }
        guard let finding else { return index + 1 }
        return taken(finding, &findings, atLeast: index + 1)
    }

    private mutating func colon(_ text: Span<UInt8>, _ index: Int) -> Finding? {
        if text.at(index + 1) == UInt8(ascii: "/"), text.at(index + 2) == UInt8(ascii: "/") {
            guard let link = Links.credentials(text, colon: index) else { return nil }
            hostStart = link.hostStart
            return link.finding
        }
        if text.at(index + 1) == UInt8(ascii: ":") {
            // `::1`, but not the middle of `a::b`.
            if !text.at(index - 1).isWord, text.at(index - 1) != UInt8(ascii: ":") {
                return Addresses.colons(text, from: index)
            }
            return nil
        }
        return Assignments.find(text, sign: index, isDecoded: isDecoded)
    }

    // MARK: Letters beyond ASCII

    /// A run of them with the ASCII letters beside it is one word: `née`, `пароль`.
    mutating func wide(
        _ text: Span<UInt8>, at index: Int, into findings: inout [Finding]
    ) -> Int {
        needs.formUnion(.plain)
        let start = text.start(of: index, atMost: 24) { $0.isLetter }
        let end = text.end(of: index, atMost: 64) { $0 >= 0x80 }
        guard start >= wideEnd else {
            wideEnd = end
            return end
        }
        wideEnd = end
        guard words.mayLead(text, start) else { return end }
        return lead(text, start, end, into: &findings)
    }
}
