/// What a number in a text is: card, national number, telephone number, address, or nothing.
///
/// The longest reading that a check digit, a form or a word supports wins. A number that could be
/// anything is left alone.
struct NumberScan: ~Copyable {
    let run: NumberRun
    let start: Int
    /// The number is all there is of its text.
    let standsAlone: Bool
    /// The number goes on to the left: `LP-4111`, `0.4111`.
    let continues: Bool
    /// It is a part of a longer number, which was read before and is nothing.
    private let isTail: Bool
    private let meaning: Meaning
    /// A word in front of it, and not behind it, says that it is a card.
    private let isCardBefore: Bool

    /// `foundEnd` is where the last finding ends: what it covers is no part of this number.
    init(_ text: Span<UInt8>, at start: Int, around: Meaning, foundEnd: Int = -1) {
        run = NumberRun(text, at: start)
        self.start = start
        let before = text.at(start - 1)
        let isJoined =
            before == UInt8(ascii: "-") || before == UInt8(ascii: ".")
            || before == UInt8(ascii: "/")
        continues = isJoined && text.at(start - 2).isWord
        isTail = start - 1 > foundEnd && Self.isTail(text, start, run)
        let first = text.end(of: 0, atMost: 8) { $0.isSpace || $0 == UInt8(ascii: "(") }
        var last = text.count
        while last > 0, last > text.count - 8, text[last - 1].isSpace { last -= 1 }
        standsAlone = first == start && run.count > 0 && run.end(run.count - 1) == last
        // Most numbers are too short to ask what the words around them mean.
        guard run.digits.count >= 6 else {
            meaning = .nothing
            isCardBefore = false
            return
        }
        var meaning = text.cues(before: start)
        isCardBefore = meaning.cues.contains(.card)
        if run.count > 0 {
            meaning.formUnion(text.cues(after: run.end(run.count - 1)))
        }
        meaning.formUnion(around)
        self.meaning = meaning
    }

    /// A group in front, joined as the groups of the run are: of three digits and letters at least,
    /// or as long as the first; or the bank of something that is written as an account number.
    private static func isTail(
        _ text: Span<UInt8>, _ start: Int, _ run: borrowing NumberRun
    ) -> Bool {
        guard run.count > 1, text.at(start - 1) == run.joint(1),
            !NumberRun.standsApart(run.length(0), run.joint(1))
        else { return false }
        if text.at(start - 2).isDigit {
            return NumberRun.isLong(text, before: start - 1, than: run.length(0))
        }
        let before = text.start(of: start - 1, atMost: 24) { $0.isWord }
        guard start - 1 - before == 4, text.at(before - 1) == text.at(start - 1),
            text.at(before - 2).isDigit,
            text.at(before - 3).isDigit
        else { return false }
        return text.at(before - 4).isUpper && text.at(before - 5).isUpper
    }

    /// No word beside it says what it could be; it was asked for one.
    var isUnnamed: Bool {
        run.digits.count >= 6 && meaning.ids.isEmpty
            && meaning.cues.isDisjoint(with: [.phone, .maybePhone, .card, .imei, .ssn])
    }

    func finding(in text: Span<UInt8>) -> Finding? {
        guard run.count > 0 else { return nil }
        if run.count >= 4, let address = Addresses.ipv4(text, at: start, run) { return address }
        guard run.digits.count >= 7 else { return shortPhone(text) }
        if let card = card(text) { return card }
        if let ssn = ssn(text) { return ssn }
        if let id = nationalID(text) { return id }
        return phone(text)
    }

    private func found(_ kind: ValueKind, _ groupCount: Int) -> Finding {
        Finding(kind, start, run.end(groupCount - 1))
    }

    // MARK: Cards and IMEI

    private func card(_ text: Span<UInt8>) -> Finding? {
        for groupCount in stride(from: run.count, to: 0, by: -1) {
            let count = run.digitsEnd(groupCount - 1)
            guard (12...19).contains(count) else { continue }
            if count == 15 || count == 16, meaning.cues.contains(.imei) {
                return found(.imei, groupCount)
            }
            let isNamed = meaning.cues.contains(.card)
            guard run.isCut(groupCount) || isNamed && isHalfCut(groupCount),
                run.digits.luhn(count)
            else { continue }
            if groupCount == 1, continues { continue }
            if isTail, !isCardBefore { continue }
            // Called a card, it may be one of an issuer that is not in the table.
            let mayBeUnknown =
                isNamed && run.digits[0] != 0 && (groupCount == 1 || run.length(0) > 3)
            guard Cards.isCard(run.digits, count) || mayBeUnknown else { continue }
            if !isNamed, meaning.cues.contains(.goods) { continue }
            // No card has seventeen digits, or hardly, and many a code is fourteen long.
            if groupCount == 1, !isNamed, count == 17 || count == 18 { continue }
            if groupCount == 1, !isNamed, count < 15, text.isCode(at: start) { continue }
            // Every tenth Visa of the old length is a number of goods, too, unless it is in groups.
            if count == 13, groupCount == 1, !isNamed, run.digits.isEAN13 { continue }
            let end = run.end(groupCount - 1)
            return Finding(.card, start, Cards.stripeEnd(text, behind: end))
        }
        return nil
    }

    /// `411111-11111111-11`: somehow in a few groups, which is enough behind its word.
    private func isHalfCut(_ groupCount: Int) -> Bool {
        groupCount <= 4 && !isTail && run.length(0) > 3 && run.separator(of: groupCount) != nil
    }

    // MARK: National numbers

    private func ssn(_ text: Span<UInt8>) -> Finding? {
        let isNamed = meaning.cues.contains(.ssn)
        let isCut = run.begins(3, 2, 4)
        // `5 3 6 2 2 8 7 1 0`
        let isSpelled = run.count == 9 && run.digits.count == 9
        let isHalfCut = isNamed && run.digits.count == 9 && run.count == 2
        guard isCut || isSpelled || isHalfCut || run.length(0) == 9, !continues else { return nil }
        let area = run.digits.number(0, 3)
        let group = run.digits.number(3, 2)
        guard area != 0, area != 666, group != 0, run.digits.number(5, 4) != 0 else { return nil }
        // The individual numbers of tax payers; `987-65-4321` is a number of advertisements.
        if area >= 900 {
            guard isNamed,
                [50...65, 70...88, 90...92, 94...99].contains(where: { $0.contains(group) })
            else { return nil }
        }
        if isHalfCut { return found(.ssn, 2) }
        if isSpelled { return isNamed ? found(.ssn, 9) : nil }
        if !isCut { return isNamed ? found(.ssn, 1) : nil }
        guard let separator = run.separator(of: 3) else { return nil }
        if isNamed { return found(.ssn, 3) }
        guard run.isWhole(3), !text.isCode(at: start) else { return nil }
        if separator == UInt8(ascii: "-") { return found(.ssn, 3) }
        return separator == UInt8(ascii: " ") && (standsAlone || isField(text))
            ? found(.ssn, 3) : nil
    }

    /// All there is between the commas of a row.
    private func isField(_ text: Span<UInt8>) -> Bool {
        func bounds(_ byte: UInt8) -> Bool {
            byte == 0 || byte == UInt8(ascii: ",") || byte.isQuote || byte == UInt8(ascii: "|")
                || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n")
        }
        return run.count == 3 && bounds(text.at(start - 1)) && bounds(text.at(run.end(2)))
    }

    private func nationalID(_ text: Span<UInt8>) -> Finding? {
        for groupCount in stride(from: min(run.count, 7), to: 0, by: -1) {
            let count = run.digitsEnd(groupCount - 1)
            guard (7...18).contains(count) else { continue }
            let isPart = continues || isTail || !run.isWhole(groupCount)
            let shaped =
                isPart || meaning.cues.contains(.thing) ? [] : shape(groupCount, count)
            if NationalIDs.isValid(run.digits, count, among: shaped), !text.isCode(at: start) {
                return found(.nationalID, groupCount)
            }
            // Whoever writes the word of a number that people know by heart means it.
            if count == 12, meaning.ids.contains(.aadhaar), meaning.ids != .all {
                return found(.nationalID, groupCount)
            }
            if !meaning.ids.isEmpty, groupCount == 1 || run.joint(1) != NumberRun.mixed,
                NationalIDs.isValid(run.digits, count, among: meaning.ids)
            {
                return found(.nationalID, groupCount)
            }
        }
        return nil
    }

    /// The states that write their numbers in just these groups, where that is unusual enough to
    /// need no word beside it.
    private func shape(_ groupCount: Int, _ count: Int) -> NationalIDs {
        let separators = (run.joint(1), run.joint(groupCount - 1))
        let dot = UInt8(ascii: ".")
        let dash = UInt8(ascii: "-")
        let space = UInt8(ascii: " ")
        switch (groupCount, count) {
        case (1, 15): return .french
        case (1, 18): return .chinese
        case (4, 11) where separators == (dot, dash) && run.begins(3, 3, 3, 2): return .cpf
        case (4, 11) where separators == (dash, space) && run.begins(3, 3, 3, 2): return .russian
        case (5, 11) where separators == (dot, dot) && run.begins(2, 2, 2, 3, 2): return .belgian
        case (5, 14) where separators == (dot, dash) && run.begins(2, 3, 3, 4, 2): return .cpf
        case (3, 12) where run.begins(4, 4, 4) && separators == (space, space): return .aadhaar
        case (4, 13) where run.begins(3, 4, 4, 2) && separators.0 == dot: return .swiss
        case (2, 13) where run.begins(6, 7) && separators.0 == dash: return .korean
        case (2, 10) where run.begins(6, 4) && separators.0 == UInt8(ascii: "/"): return .czech
        case (5, 13) where run.begins(1, 4, 5, 2, 1): return .thai
        case (3, 11) where run.begins(2, 8, 1) && separators == (dash, dash): return .argentine
        case (4, 9) where run.begins(2, 3, 3, 1) && separators == (dot, dash): return .chilean
        case (4, 8) where run.begins(1, 3, 3, 1) && separators == (dot, dash): return .chilean
        case (6, 15) where run.begins(1, 2, 2, 2, 3, 3),
            (7, 15) where run.begins(1, 2, 2, 2, 3, 3, 2):
            return .french
        case (2, 11) where run.begins(6, 5) && separators.0 == space: return .norwegian
        case (2, 10) where run.begins(6, 4) && separators.0 == dash: return .swedish
        case (2, 12)
        where run.begins(8, 4) && separators.0 == dash && run.digits.number(0, 2) == 19:
            return .swedish
        default: return []
        }
    }

    // MARK: Telephone numbers

    private func phone(_ text: Span<UInt8>) -> Finding? {
        guard !continues else { return nil }
        let found = Phones.national(
            text, run: run, start: start, isNamed: meaning.cues.contains(.phone) || isCalled(text),
            mayBeNamed: meaning.cues.contains(.maybePhone),
            isPart: isTail || meaning.cues.contains(.thing))
        return found == nil || text.isCode(at: start) ? nil : found
    }

    /// `contact 5551234567`: as long as telephone numbers are where they are longest.
    private func isCalled(_ text: Span<UInt8>) -> Bool {
        meaning.cues.contains(.maybePhone) && (10...11).contains(run.digits.count)
            && text.title(before: start).cues.contains(.maybePhone)
    }

    /// `Tel. 55512`: too short for anything else.
    private func shortPhone(_ text: Span<UInt8>) -> Finding? {
        guard run.digits.count == 6, run.count <= 2, meaning.cues.contains(.phone), !continues
        else {
            return nil
        }
        return found(.phone, run.count)
    }
}
