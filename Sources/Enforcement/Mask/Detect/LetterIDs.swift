/// National numbers with letters in them, by form and check letter.
enum LetterIDs {
    /// One word of letters and digits, at least eight long.
    static func find(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        let isID =
            switch end - start {
            case 8: isIrish(text, start, end)
            case 9:
                isSpanish(text, start) || isNINO(text, start) || isSingaporean(text, start)
                    || isIrish(text, start, end)
            case 10:
                isIndianPAN(text, start) || isTaiwanese(text, start)
            case 16: isItalian(text, start)
            case 18: isMexican(text, start) || isChinese(text, start)
            default: false
            }
        return isID && !text.isCode(at: start) ? Finding(.nationalID, start, end) : nil
    }

    /// `JA 41 94 20 A`, `12345678-Z`, `131052-308T`: with separators, from the first word on.
    static func spaced(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        let found: Finding? =
            switch end - start {
            case 2 where text[start].isUpper && text[start + 1].isUpper: spacedNINO(text, start)
            case 6 where text[start].isDigit: finnish(text, start)
            case 8 where text[start].isDigit: dashedSpanish(text, start)
            case 1 where text[start].isUpper: dashedNIE(text, start)
            default: nil
            }
        return found == nil || text.isCode(at: start) ? nil : found
    }

    // MARK: Spain

    private static let spanishLetters = Array("TRWAGMYFPDXBNJZSQVHLCKE".utf8)

    private static func isSpanish(_ text: Span<UInt8>, _ start: Int) -> Bool {
        let last = text[start + 8]
        guard last.isLetter else { return false }
        var value = 0
        switch text[start] & 0xDF {
        case UInt8(ascii: "X"): value = 0
        case UInt8(ascii: "Y"): value = 1
        case UInt8(ascii: "Z"): value = 2
        default:
            guard text[start].isDigit else { return false }
            value = Int(text[start] - 0x30)
        }
        for index in (start + 1)..<(start + 8) {
            guard text[index].isDigit else { return false }
            value = value * 10 + Int(text[index] - 0x30)
        }
        return spanishLetters[value % 23] == last & 0xDF
    }

    private static func dashedSpanish(_ text: Span<UInt8>, _ start: Int) -> Finding? {
        let joint = text.at(start + 8)
        guard joint == UInt8(ascii: "-") || joint == 0x20, text.at(start + 9).isUpper,
            !text.at(start + 10).isWord
        else { return nil }
        var value = 0
        for index in start..<(start + 8) {
            guard text[index].isDigit else { return nil }
            value = value * 10 + Int(text[index] - 0x30)
        }
        return spanishLetters[value % 23] == text[start + 9]
            ? Finding(.nationalID, start, start + 10) : nil
    }

    private static func dashedNIE(_ text: Span<UInt8>, _ start: Int) -> Finding? {
        guard
            let first = [UInt8(ascii: "X"), UInt8(ascii: "Y"), UInt8(ascii: "Z")].firstIndex(
                of: text[start]),
            text.at(start + 1) == UInt8(ascii: "-")
        else { return nil }
        let end = text.end(of: start + 2, atMost: 8) { $0.isDigit }
        let letter = text.at(end) == UInt8(ascii: "-") ? end + 1 : end
        guard end - start == 9, text.at(letter).isUpper, !text.at(letter + 1).isWord else {
            return nil
        }
        var value = first
        for index in (start + 2)..<end { value = value * 10 + Int(text[index] - 0x30) }
        return spanishLetters[value % 23] == text[letter]
            ? Finding(.nationalID, start, letter + 1) : nil
    }

    // MARK: United Kingdom and Ireland

    private static func isNINOPrefix(_ first: UInt8, _ second: UInt8) -> Bool {
        guard first.isUpper, second.isUpper else { return false }
        switch first {
        case UInt8(ascii: "D"), UInt8(ascii: "F"), UInt8(ascii: "I"), UInt8(ascii: "Q"),
            UInt8(ascii: "U"), UInt8(ascii: "V"):
            return false
        default: break
        }
        switch second {
        case UInt8(ascii: "D"), UInt8(ascii: "F"), UInt8(ascii: "I"), UInt8(ascii: "O"),
            UInt8(ascii: "Q"), UInt8(ascii: "U"), UInt8(ascii: "V"):
            return false
        default: break
        }
        let pair = (first, second)
        return pair != (UInt8(ascii: "B"), UInt8(ascii: "G"))
            && pair != (UInt8(ascii: "G"), UInt8(ascii: "B"))
            && pair != (UInt8(ascii: "K"), UInt8(ascii: "N"))
            && pair != (UInt8(ascii: "N"), UInt8(ascii: "K"))
            && pair != (UInt8(ascii: "N"), UInt8(ascii: "T"))
            && pair != (UInt8(ascii: "T"), UInt8(ascii: "N"))
            && pair != (UInt8(ascii: "Z"), UInt8(ascii: "Z"))
    }

    private static func isNINO(_ text: Span<UInt8>, _ start: Int) -> Bool {
        guard text[start].isUpper, text[start + 1].isUpper, text[start + 8].isUpper else {
            return false
        }
        for index in (start + 2)..<(start + 8) where !text[index].isDigit { return false }
        return isNINOPrefix(text[start], text[start + 1]) && isNINOSuffix(text[start + 8])
            || isNamedNINO(text, start)
    }

    /// Two letters, six digits in pairs or together, one letter.
    private static func spacedNINO(_ text: Span<UInt8>, _ start: Int) -> Finding? {
        var index = start + 2
        var digits = 0
        while digits < 6 {
            if isJoint(text.at(index)) { index += 1 }
            guard text.at(index).isDigit else { return nil }
            index += 1
            digits += 1
        }
        if isJoint(text.at(index)) { index += 1 }
        guard text.at(index).isUpper, !text.at(index + 1).isWord else { return nil }
        let isOfficial = isNINOPrefix(text[start], text[start + 1]) && isNINOSuffix(text[index])
        guard isOfficial || isNamedNINO(text, start) else { return nil }
        return Finding(.nationalID, start, index + 1)
    }

    private static func isNINOSuffix(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "D")).contains(byte)
    }

    /// Test data have prefixes that are never given out; a word beside them is enough.
    private static func isNamedNINO(_ text: Span<UInt8>, _ start: Int) -> Bool {
        let ids = text.cues(before: start).ids
        return ids.contains(.nino) && ids != .all
    }

    private static func isJoint(_ byte: UInt8) -> Bool { byte == 0x20 || byte == UInt8(ascii: "-") }

    private static func isIrish(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        var total = 0
        for place in 0..<7 {
            guard text[start + place].isDigit else { return false }
            total += Int(text[start + place] - 0x30) * (8 - place)
        }
        guard text[start + 7].isUpper else { return false }
        if end - start == 9 {
            guard text[start + 8].isUpper else { return false }
            total += Int(text[start + 8] - 64) * 9
        }
        let check = total % 23
        return text[start + 7] == (check == 0 ? UInt8(ascii: "W") : UInt8(64 + check))
    }

    // MARK: Asia

    private static func isSingaporean(_ text: Span<UInt8>, _ start: Int) -> Bool {
        let weights = [2, 7, 6, 5, 4, 3, 2]
        var total = 0
        switch text[start] {
        case UInt8(ascii: "S"), UInt8(ascii: "F"): total = 0
        case UInt8(ascii: "T"), UInt8(ascii: "G"): total = 4
        case UInt8(ascii: "M"): total = 3
        default: return false
        }
        for place in 0..<7 {
            guard text[start + 1 + place].isDigit else { return false }
            total += Int(text[start + 1 + place] - 0x30) * weights[place]
        }
        let isResident = text[start] == UInt8(ascii: "S") || text[start] == UInt8(ascii: "T")
        let letters = Array(
            (isResident
                ? "JZIHGFEDCBA" : text[start] == UInt8(ascii: "M") ? "KLJNPQRTUWX" : "XWUTRQPNMLK")
                .utf8)
        return letters[text[start] == UInt8(ascii: "M") ? 10 - total % 11 : total % 11]
            == text[start + 8]
    }

    /// The fourth letter says what kind of person it is.
    private static func isIndianPAN(_ text: Span<UInt8>, _ start: Int) -> Bool {
        for index in start..<(start + 5) where !text[index].isUpper { return false }
        for index in (start + 5)..<(start + 9) where !text[index].isDigit { return false }
        guard text[start + 9].isUpper else { return false }
        // No digit checks it: without its word, it is a person's where nothing speaks of goods.
        let meaning = text.cues(before: start)
        if meaning.cues.contains(.card) || !meaning.ids.isEmpty { return true }
        return text[start + 3] == UInt8(ascii: "P")
            && meaning.cues.isDisjoint(with: [.thing, .goods])
    }

    private static func isTaiwanese(_ text: Span<UInt8>, _ start: Int) -> Bool {
        let order = Array("ABCDEFGHJKLMNPQRSTUVXYWZIO".utf8)
        guard let place = order.firstIndex(of: text[start]),
            (UInt8(ascii: "1")...UInt8(ascii: "2")).contains(text[start + 1])
        else { return false }
        let code = place + 10
        var total = code / 10 + code % 10 * 9
        for index in 1..<10 {
            guard text[start + index].isDigit else { return false }
            total += Int(text[start + index] - 0x30) * (index == 9 ? 1 : 9 - index)
        }
        return total.isMultiple(of: 10)
    }

    private static func isChinese(_ text: Span<UInt8>, _ start: Int) -> Bool {
        guard text[start + 17] & 0xDF == UInt8(ascii: "X") else { return false }
        for index in start..<(start + 17) where !text[index].isDigit { return false }
        return Digits(text, start, start + 17).isChinese(last: 10)
    }

    // MARK: Italy, Mexico, Finland

    private static let oddValues = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ]

    /// The codice fiscale; people with the same one get letters in the place of digits.
    private static func isItalian(_ text: Span<UInt8>, _ start: Int) -> Bool {
        var total = 0
        for place in 0..<15 {
            let byte = text[start + place] & (text[start + place].isDigit ? 0xFF : 0xDF)
            let isLetterPlace = place < 6 || place == 8 || place == 11
            guard byte.isUpper || byte.isDigit && !isLetterPlace else { return false }
            let value = byte.isDigit ? Int(byte - 0x30) : Int(byte - 65)
            total += place.isMultiple(of: 2) ? oddValues[value] : value
        }
        guard "ABCDEHLMPRST".utf8.contains(text[start + 8] & 0xDF) else { return false }
        return text[start + 15] & 0xDF == UInt8(65 + total % 26)
    }

    private static func isMexican(_ text: Span<UInt8>, _ start: Int) -> Bool {
        let order = Array("0123456789ABCDEFGHIJKLMN\u{D1}OPQRSTUVWXYZ".unicodeScalars)
        var total = 0
        for place in 0..<17 {
            let byte = text[start + place]
            let wantsDigit = (4..<10).contains(place)
            let isFree = place == 16
            guard isFree ? byte.isUpper || byte.isDigit : wantsDigit ? byte.isDigit : byte.isUpper,
                let value = order.firstIndex(of: Unicode.Scalar(byte))
            else { return false }
            total += value * (18 - place)
        }
        guard text[start + 17].isDigit,
            text[start + 10] == UInt8(ascii: "H") || text[start + 10] == UInt8(ascii: "M")
                || text[start + 10] == UInt8(ascii: "X")
        else { return false }
        return (10 - total % 10) % 10 == Int(text[start + 17] - 0x30)
    }

    private static func finnish(_ text: Span<UInt8>, _ start: Int) -> Finding? {
        let end = start + 11
        guard end <= text.count, !text.at(end).isWord else { return nil }
        let century = text[start + 6]
        guard century == UInt8(ascii: "-") || century == UInt8(ascii: "+") else { return nil }
        return isFinnish(text, start) ? Finding(.nationalID, start, end) : nil
    }

    /// Eleven characters from `start`, whatever stands for the century.
    static func isFinnish(_ text: Span<UInt8>, _ start: Int) -> Bool {
        var value = 0
        for place in 0..<10 where place != 6 {
            guard text[start + place].isDigit else { return false }
            value = value * 10 + Int(text[start + place] - 0x30)
        }
        let digits = Digits(text, start, start + 4)
        guard digits.isDayMonth(at: 0) else { return false }
        let letters = Array("0123456789ABCDEFHJKLMNPRSTUVWXY".utf8)
        return letters[value % 31] == text[start + 10]
    }
}
