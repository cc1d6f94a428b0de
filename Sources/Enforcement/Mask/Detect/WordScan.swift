/// What the main loop does at each word and sign, and the little that it must remember.
struct WordScan {
    private(set) var around = Meaning.nothing
    /// A layer of escapes was taken off: a backslash in front of a quote is just one.
    private(set) var isDecoded = false
    var needs: Needs = []
    /// In front of it no word of the text is a part of something encoded.
    private(set) var firstRun = 0
    /// Behind it neither.
    private(set) var lastRun = 0
    /// Before it an `@` belongs to an address, `://ana@host`, and is no e-mail.
    var hostStart = 0
    private var wideEnd = 0
    private var foundEnd = -1
    /// Before it, a number that only goes on with a list is nothing.
    private var listEnd = 0
    let classes = ByteClass.table
    let words = WordTable.shared
    private let keys = VendorKeys.shared

    mutating func begin(around: Meaning, isDecoded: Bool) {
        self.around = around
        self.isDecoded = isDecoded
        needs = []
        firstRun = 0
        hostStart = 0
        wideEnd = 0
        foundEnd = -1
        listEnd = 0
    }

    /// A word that may be a part of something encoded.
    mutating func noteRun(_ start: Int) {
        lastRun = start
        guard !needs.contains(.runs) else { return }
        needs.formUnion(.runs)
        firstRun = start
    }

    /// Where to go on: behind the value, if one was found.
    mutating func taken(
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
        if end - start == 2, seen.isDisjoint(with: .notHex), EncodedRuns.arePairs(text, start) {
            needs.formUnion(.pairs)
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
            if let finding = LetterIDs.spaced(text, start, end) ?? Emails.spelled(text, start, end)
            {
                return taken(finding, &findings, atLeast: end)
            }
        }
        if length <= 4, seen.isDisjoint(with: .notHex),
            let finding = hexWord(text, start, end)
        {
            return taken(finding, &findings, atLeast: end)
        }
        if length == 3, let key = VendorKeys.maxMind(text, start, end) {
            return taken(key, &findings, atLeast: end)
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

    /// A word after which a value may stand. It goes on in letters beyond ASCII, or ends where
    /// those do: Chinese and Japanese put no space behind it. What is behind the word as it was
    /// taken is looked at all the same.
    private func lead(
        _ text: Span<UInt8>, _ start: Int, _ taken: Int, into findings: inout [Finding]
    ) -> Int {
        var end = text.end(of: taken, atMost: 24) { $0.isLetter || $0 >= 0x80 }
        var cues = words.meaning(text, start, end).cues
        if cues.isDisjoint(with: .leading), end > taken {
            end = taken
            cues = words.meaning(text, start, end).cues
        }
        guard !cues.isDisjoint(with: .leading) else { return taken }
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
        if cues.contains(.tool) { finding = CommandOptions.password(text, start, end) }
        if cues.contains(.seed) { finding = Seeds.labelled(text, after: end) }
        if cues.contains(.credential) { finding = Assignments.option(text, after: end) }
        // What stands between is looked at all the same: `born 3 Feb 1984` may go on with a name.
        if let finding { findings.append(finding) }
        return taken
    }

    /// `CVV 123`
    private func cardCode(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        guard text.hasFolded("cv", at: start), text.at(end) == 0x20 else { return nil }
        let stop = text.end(of: end + 1, atMost: 5) { $0.isDigit }
        guard (3...4).contains(stop - end - 1), !text.at(stop).isWord else { return nil }
        return Finding(.cardCode, end + 1, stop)
    }

    /// A list of numbers is looked at once, not from each of its numbers on.
    private mutating func number(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        if start < listEnd, start - 1 > foundEnd, NumberRun.goesOn(text, start, end) { return nil }
        guard NumberRun.isWorthwhile(text, at: start) else { return nil }
        let scan = NumberScan(text, at: start, around: around, foundEnd: foundEnd)
        if let finding = scan.finding(in: text) { return finding }
        if start >= listEnd, scan.isUnnamed {
            listEnd = NumberRun.listEnd(text, from: start) - NumberRun.bytesMax
        }
        return nil
    }

    /// Words of letters and digits.
    private mutating func mixed(
        _ text: Span<UInt8>, _ start: Int, _ end: Int, _ seen: ByteClass
    ) -> Finding? {
        let length = end - start
        let next = text.at(end)
        if seen.isDisjoint(with: .notHex), length <= 4, let finding = hexWord(text, start, end) {
            return finding
        }
        if seen.isDisjoint(with: .letter) {
            if length == 4, let card = Cards.spread(text, at: start) { return card }
            if let finding = number(text, start, end) { return finding }
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
        if length == 3, text.hasFolded("2fa", at: start) {
            return Seeds.labelled(text, after: end)
        }
        if length == 27, let key = VendorKeys.ngrok(text, start, end) { return key }
        if (8...18).contains(length), let id = LetterIDs.find(text, start, end) { return id }
        if length == 11, LetterIDs.isFinnish(text, start) {
            return Finding(.nationalID, start, end)
        }
        if length >= 25, let wallet = Wallets.find(text, start, end) { return wallet }
        if length >= 14, let card = gluedCard(text, start, end) { return card }
        return length >= 12 ? long(text, start, end) : nil
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
