/// Dates of birth: the first date behind a word that speaks of birth. A date alone says nothing.
enum Dates {
    /// How far behind the word the date may stand.
    static let reach = 48

    /// A date between `start` and the end of what the word speaks of.
    static func birth(_ text: Span<UInt8>, after start: Int) -> Finding? {
        var index = start
        let stop = min(text.count, start + reach)
        while index < stop {
            let byte = text[index]
            if byte.isDigit || byte.isLetter || byte >= 0x80 {
                if let end = date(text, at: index) { return Finding(.birthDate, index, end) }
                let next = text.end(of: index) { $0.isWord || $0 >= 0x80 }
                // Another field begins: what comes is its date.
                if isOtherDate(text, index, next) { return nil }
                index = next
            } else {
                if endsField(text, index, from: start) { return nil }
                index += 1
            }
        }
        return nil
    }

    /// `created`, `issued`, `expires`, `died`: words of other dates.
    private static func isOtherDate(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        let words: [StaticString] = [
            "created", "updated", "issued", "expires", "expiry", "died", "joined", "hired",
            "registered", "since", "place", "certificate",
        ]
        return words.contains {
            end - start == $0.utf8CodeUnitCount && text.hasFolded($0, at: start)
        }
    }

    private static func endsField(_ text: Span<UInt8>, _ index: Int, from start: Int) -> Bool {
        switch text[index] {
        case UInt8(ascii: ";"), UInt8(ascii: "&"), UInt8(ascii: "}"), UInt8(ascii: "|"): true
        case UInt8(ascii: ","): text.at(index + 1).isQuote || text.at(index + 2).isQuote
        case UInt8(ascii: "\n"): index > start + 2
        case UInt8(ascii: "."): text.at(index + 1) == 0x20 && index > start + 5
        default: false
        }
    }

    /// The end of a date that begins at `start`.
    static func date(_ text: Span<UInt8>, at start: Int) -> Int? {
        text[start].isDigit ? numeric(text, at: start) : monthFirst(text, at: start)
    }

    /// The end of `2026-11-21`, `2026-11-21T07:45:33Z`, `2026-11-21 07:45`: no other value begins
    /// so, and most numbers of most logs do.
    static func stampEnd(_ text: Span<UInt8>, at start: Int) -> Int? {
        guard start + 10 <= text.count, isPattern("0000-00-00", text, start),
            (1900...2100).contains(value(text, start, start + 4)),
            (1...12).contains(value(text, start + 5, start + 7)),
            (1...31).contains(value(text, start + 8, start + 10)),
            !text.at(start - 1).isWord, text.at(start - 1) != UInt8(ascii: "-")
        else { return nil }
        let day = start + 10
        guard text.at(day) == 0x20 || text.at(day) == UInt8(ascii: "T") else {
            return text.at(day).isWord || text.at(day) == UInt8(ascii: "-") ? nil : day
        }
        guard day + 6 <= text.count, isPattern("00:00", text, day + 1) else {
            return text.at(day) == 0x20 ? day : nil
        }
        return isPattern(":00", text, day + 6) ? day + 9 : day + 6
    }

    /// A zero stands for a digit.
    private static func isPattern(
        _ pattern: StaticString, _ text: Span<UInt8>, _ start: Int
    ) -> Bool {
        pattern.withUTF8Buffer { wanted in
            for index in 0..<wanted.count {
                let byte = text.at(start + index)
                let isFit = unsafe wanted[index] == 0x30 ? byte.isDigit : wanted[index] == byte
                if !isFit { return false }
            }
            return true
        }
    }

    private static func numeric(_ text: Span<UInt8>, at start: Int) -> Int? {
        let firstEnd = text.end(of: start, atMost: 9) { $0.isDigit }
        let length = firstEnd - start
        let first = value(text, start, firstEnd)
        if length == 8 { return isCompact(text, start) ? firstEnd : nil }
        guard length == 4 ? isYear(first) : length <= 2 && (1...31).contains(first) else {
            return nil
        }
        var index = firstEnd
        if length <= 2 { index = skipOrdinal(text, index) }
        if let end = namedMonth(text, after: index, first: first, isYearFirst: length == 4) {
            return end
        }
        guard index == firstEnd, let separator = separatorEnd(text, index) else { return nil }
        let secondEnd = text.end(of: separator, atMost: 3) { $0.isDigit }
        guard (1...2).contains(secondEnd - separator) else { return nil }
        let second = value(text, separator, secondEnd)
        guard let last = separatorEnd(text, secondEnd) else { return nil }
        let thirdEnd = text.end(of: last, atMost: 5) { $0.isDigit }
        let third = value(text, last, thirdEnd)
        guard !text.at(thirdEnd).isLetter || text[thirdEnd] == UInt8(ascii: "T") else { return nil }
        if length == 4 {
            let fits = (1...12).contains(second) && (1...31).contains(third) && thirdEnd - last <= 2
            return fits ? dayMark(text, thirdEnd) : nil
        }
        let isMonth = min(first, second) <= 12 && max(first, second) <= 31 && second > 0
        let hasYear = thirdEnd - last == 4 && isYear(third) || thirdEnd - last == 2
        return isMonth && hasYear ? thirdEnd : nil
    }

    /// `19840203`, `03021984`.
    private static func isCompact(_ text: Span<UInt8>, _ start: Int) -> Bool {
        let digits = Digits(text, start, start + 8)
        return isYear(digits.number(0, 4)) && (1...12).contains(digits.number(4, 2))
            && (1...31).contains(digits.number(6, 2))
            || isYear(digits.number(4, 4)) && (1...31).contains(digits.number(0, 2))
                && (1...31).contains(digits.number(2, 2))
    }

    /// `16 Jan 1994`, `16. Januar 1994`, `3rd of March, 1984`, `1994 March 3`.
    private static func namedMonth(
        _ text: Span<UInt8>, after start: Int, first: Int, isYearFirst: Bool
    ) -> Int? {
        var index = text.end(of: start, atMost: 3) { isGap($0) }
        for joint in ["of ", "de "] as [StaticString] where text.hasFolded(joint, at: index) {
            index += 3
        }
        let monthEnd = text.end(of: index, atMost: 24) { $0.isLetter || $0 >= 0x80 }
        guard Months.isMonth(text, index, monthEnd) else { return nil }
        index = text.end(of: monthEnd, atMost: 3) { isGap($0) }
        for joint in ["of ", "de "] as [StaticString] where text.hasFolded(joint, at: index) {
            index += 3
        }
        let end = text.end(of: index, atMost: 5) { $0.isDigit }
        if isYearFirst { return (1...2).contains(end - index) ? end : nil }
        if end - index == 4 { return isYear(value(text, index, end)) ? end : nil }
        return end - index == 2 ? end : nil
    }

    /// `February 11, 1975`, `Feb. 11th 1975`.
    private static func monthFirst(_ text: Span<UInt8>, at start: Int) -> Int? {
        guard !text.at(start - 1).isWord else { return nil }
        let monthEnd = text.end(of: start, atMost: 24) { $0.isLetter || $0 >= 0x80 }
        guard Months.isMonth(text, start, monthEnd) else { return nil }
        let day = text.end(of: monthEnd, atMost: 3) { isGap($0) }
        let dayEnd = text.end(of: day, atMost: 3) { $0.isDigit }
        guard (1...2).contains(dayEnd - day) else { return nil }
        let year = text.end(of: skipOrdinal(text, dayEnd), atMost: 3) { isGap($0) }
        let end = text.end(of: year, atMost: 5) { $0.isDigit }
        return end - year == 4 && isYear(value(text, year, end)) ? end : nil
    }

    private static func skipOrdinal(_ text: Span<UInt8>, _ index: Int) -> Int {
        for ending in ["st", "nd", "rd", "th", "er", "º", "ª"] as [StaticString]
        where text.hasFolded(ending, at: index)
            && !text.at(index + ending.utf8CodeUnitCount).isLetter
        {
            return index + ending.utf8CodeUnitCount
        }
        return index
    }

    private static func isGap(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ",")
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "/")
    }

    /// `-`, `/`, `.` with or without spaces, or 年 and 月.
    private static func separatorEnd(_ text: Span<UInt8>, _ index: Int) -> Int? {
        for mark in ["年", "月", "년 ", "월 ", ". ", " / ", " - ", "년", "월"] as [StaticString]
        where text.has(mark, at: index) {
            return index + mark.utf8CodeUnitCount
        }
        switch text.at(index) {
        case UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: " "):
            return index + 1
        default: return nil
        }
    }

    private static func dayMark(_ text: Span<UInt8>, _ index: Int) -> Int {
        text.has("日", at: index) || text.has("일", at: index) ? index + 3 : index
    }

    private static func value(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
        var value = 0
        for index in start..<end { value = value * 10 + Int(text[index] - 0x30) }
        return value
    }

    /// Of somebody who may be alive, with room to both sides.
    private static func isYear(_ value: Int) -> Bool { (1850...2100).contains(value) }
}

/// The names of months, and their short forms.
private enum Months {
    private static let names: Set<[UInt8]> = {
        let words = """
            january february march april may june july august september october november december \
            jan feb mar apr jun jul aug sep sept oct nov dec \
            januar februar märz maerz mai juni juli oktober dezember jänner mär okt dez \
            janvier février fevrier mars avril juin juillet août aout septembre octobre novembre décembre \
            decembre janv févr fevr avr juil déc \
            enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre \
            ene abr ago dic gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre \
            gen mag giu lug set ott janeiro fevereiro março marco maio junho julho setembro outubro \
            novembro dezembro fev out januari februari maart mei augustus \
            stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada \
            grudnia января февраля марта апреля мая июня июля августа сентября октября ноября декабря \
            januari februari mars april maj augusti marts oktober desember ocak şubat mart nisan mayıs \
            haziran temmuz ağustos eylül ekim kasım aralık
            """
        return Set(words.split(separator: " ").map { Array($0.utf8) })
    }()

    static func isMonth(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        guard (3...24).contains(end - start) else { return false }
        var name: [UInt8] = []
        for index in start..<end { name.append(text[index].lowered) }
        return names.contains(name)
    }
}
