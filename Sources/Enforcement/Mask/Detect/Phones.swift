/// Telephone numbers: international by E.164, national by the forms that people write.
enum Phones {
    /// Country codes, with the lengths that their national numbers have (ITU-T E.164 and national
    /// plans). Two numbers a code: shortest and longest.
    private static let plans: [Int: (Int, Int)] = [
        1: (10, 10), 7: (10, 10), 20: (8, 10), 27: (9, 9), 30: (10, 10), 31: (9, 9), 32: (8, 9),
        33: (9, 9), 34: (9, 9), 36: (8, 9), 39: (6, 11), 40: (9, 9), 41: (9, 9), 43: (4, 13),
        44: (7, 10), 45: (8, 8), 46: (7, 10), 47: (5, 8), 48: (9, 9), 49: (5, 13), 51: (8, 9),
        52: (10, 11), 53: (6, 8), 54: (10, 11), 55: (10, 11), 56: (8, 9), 57: (8, 10), 58: (10, 10),
        60: (7, 10), 61: (9, 9), 62: (7, 12), 63: (8, 10), 64: (8, 10), 65: (8, 8), 66: (8, 9),
        81: (8, 11), 82: (7, 11), 84: (7, 10), 86: (8, 11), 90: (10, 10), 91: (10, 10), 92: (8, 11),
        93: (9, 9), 94: (9, 9), 95: (7, 10), 98: (8, 10),
    ]

    /// The national lengths under a code of three digits are not worth a table of 200 lines.
    private static func plan(_ digits: Digits) -> (code: Int, lengths: (Int, Int))? {
        if digits[0] == 1 || digits[0] == 7 { return plans[digits[0]].map { (1, $0) } }
        if let lengths = plans[digits.number(0, 2)] { return (2, lengths) }
        switch digits.number(0, 3) {
        case 211...299, 350...359, 370...389, 420...423, 500...509, 590...599, 670...692, 800,
            808, 850...856, 870, 878, 880...883, 886, 888, 960...979, 992...998:
            return (3, (4, 12))
        default: return nil
        }
    }

    /// `+` stands before the number.
    static func international(_ text: Span<UInt8>, plus: Int) -> Finding? {
        var start = plus + 1
        if text.at(start) == UInt8(ascii: "(") { start += 1 }
        guard text.at(start).isDigit, !text.at(plus - 1).isWord else { return nil }
        return international(text, NumberRun(text, at: start), from: plus, skipping: 0)
    }

    /// The longest number of whole groups that the plan of its country allows.
    private static func international(
        _ text: Span<UInt8>, _ run: borrowing NumberRun, from start: Int, skipping: Int
    ) -> Finding? {
        guard run.count > 0, run.digits.count >= 7 + skipping else { return nil }
        let digits = skipping == 0 ? run.digits : run.digits.dropping(skipping)
        guard let (code, lengths) = plan(digits) else { return nil }
        // `+9.1935`: nobody divides the code of a country, unless each digit stands for itself.
        if skipping == 0, run.length(0) < code, run.length(1) > 1 { return nil }
        // `+39.1935 009.4340`: places on a map.
        let dot = UInt8(ascii: ".")
        if run.count > 3, run.joint(1) == dot, run.joint(2) != dot,
            run.joint(3) == dot
        {
            return nil
        }
        for groupCount in stride(from: min(run.count, 9), to: 0, by: -1) {
            guard isSpaced(run, groupCount) else { continue }
            var national = run.digitsEnd(groupCount - 1) - skipping - code
            // `+49 (0) 30`: the zero is for those who call from within.
            if hasTrunkZero(run, groupCount, at: code + skipping) { national -= 1 }
            if (lengths.0...lengths.1).contains(national), national + code >= 7 {
                return Finding(.phone, start, run.phoneEnd(groupCount))
            }
        }
        return nil
    }

    /// The groups of one number have no line between them, and no date or fraction looks so.
    private static func isSpaced(_ run: borrowing NumberRun, _ groupCount: Int) -> Bool {
        for index in 0..<groupCount {
            switch run.joint(index) {
            case UInt8(ascii: "\n"), UInt8(ascii: "_"), UInt8(ascii: "\t"): return false
            default: break
            }
        }
        return true
    }

    private static func hasTrunkZero(_ run: borrowing NumberRun, _ groupCount: Int, at place: Int)
        -> Bool
    {
        for index in 1..<max(1, groupCount) where run.digitsEnd(index - 1) == place {
            return run.digits[place] == 0 && run.joint(index) == NumberRun.mixed
        }
        return false
    }

    /// Not the beginning of something longer: `00219144-7228-4774-8122`.
    private static func endsWhole(_ run: borrowing NumberRun, _ found: Finding) -> Bool {
        for group in 0..<run.count where run.phoneEnd(group + 1) == found.end {
            return group > 1 && run.isWhole(group + 1)
        }
        return false
    }

    /// A number without a country, at the start of `run`.
    static func national(
        _ text: Span<UInt8>, run: borrowing NumberRun, start: Int, isNamed: Bool, mayBeNamed: Bool,
        isPart: Bool
    ) -> Finding? {
        let isInParentheses =
            text.at(start - 1) == UInt8(ascii: "(")
            && text.at(run.end(0)) == UInt8(ascii: ")")
        let from = isInParentheses ? start - 1 : start
        if run.digits[0] == 0, run.digits[1] == 0, run.digits[2] != 0,
            run.length(0) >= 4 || run.length(0) == 2,
            let found = international(text, run, from: from, skipping: 2),
            isNamed || !isPart && run.count > 2 && endsWhole(run, found)
        {
            return found
        }
        for groupCount in stride(from: min(run.count, 7), to: 0, by: -1) {
            let count = run.digitsEnd(groupCount - 1)
            guard isSpaced(run, groupCount), (7...13).contains(count) else { continue }
            let form = Form(
                groupCount: groupCount, count: count, isInParentheses: isInParentheses)
            if !isPart && run.isWhole(groupCount) && form.isClear(run)
                || (isNamed || mayBeNamed) && form.isLikely(run)
                || isNamed && form.isPossible(run)
            {
                return Finding(.phone, from, run.phoneEnd(groupCount))
            }
        }
        return nil
    }
}

/// How sure the form alone makes that a number is a telephone's.
private struct Form {
    let groupCount: Int
    let count: Int
    let isInParentheses: Bool

    /// No other number is written so.
    func isClear(_ run: borrowing NumberRun) -> Bool {
        if isDate(run) { return false }
        if isNorthAmerican(run) { return groupCount > 1 }
        if isInParentheses {
            // `(2026) 11-21` is no area.
            let shortest = run.length(0) == 4 && run.digits[0] > 0 ? 9 : 8
            return groupCount > 1 && (2...5).contains(run.length(0))
                && (shortest...12).contains(count)
        }
        guard run.digits[0] == 0, run.digits[1] != 0, (9...11).contains(count),
            !(count == 9 && run.begins(3, 3, 3)), !run.begins(3, 2, 4)
        else { return false }
        return groupCount > 2 && run.length(0) >= 2 && run.length(0) <= 5 && isGroupedByHand(run)
    }

    /// A number that stands for itself, or has a word beside it that people use for telephones.
    func isLikely(_ run: borrowing NumberRun) -> Bool {
        if isDate(run) { return false }
        if run.digits[0] == 0, run.digits[1] != 0, (9...12).contains(count) { return true }
        if arePairs(run) { return true }
        return isNorthAmerican(run) && groupCount > 1 || groupCount > 1 && isInParentheses
    }

    /// A number that is called a telephone number.
    func isPossible(_ run: borrowing NumberRun) -> Bool { !isDate(run) && groupCount <= 6 }

    /// `32 12 34 56`, as people in Denmark, Norway and France write.
    private func arePairs(_ run: borrowing NumberRun) -> Bool {
        guard groupCount == 4 || groupCount == 5, run.digits[0] > 0,
            run.separator(of: groupCount) == UInt8(ascii: " ")
        else { return false }
        for index in 0..<groupCount where run.length(index) != 2 { return false }
        return true
    }

    /// NANP: area and exchange begin with 2 to 9, and neither is `N11`.
    private func isNorthAmerican(_ run: borrowing NumberRun) -> Bool {
        let place = groupCount == 4 && run.length(0) == 1 && run.digits[0] == 1 ? 1 : 0
        guard count == 10 + place, groupCount == 3 + place, run.length(place) == 3,
            run.length(place + 1) == 3, run.digits[place] > 1, run.digits[place + 3] > 1
        else { return false }
        // No area has the hundreds for itself, but for the services of 500, 800 and 900.
        if run.digits[place + 1] == 0, run.digits[place + 2] == 0 {
            return [5, 8, 9].contains(run.digits[place])
        }
        return !(run.digits[place + 1] == 1 && run.digits[place + 2] == 1)
    }

    /// At most one kind of separator besides parentheses and slashes.
    private func isGroupedByHand(_ run: borrowing NumberRun) -> Bool {
        let separator = run.separator(of: groupCount)
        return separator != UInt8(ascii: "/")
    }

    /// `2026-11-21`, `21.11.2026`, with or without a time behind it.
    private func isDate(_ run: borrowing NumberRun) -> Bool {
        guard groupCount >= 3, !isInParentheses else { return false }
        let (first, second, third) = (run.length(0), run.length(1), run.length(2))
        if first == 4, second == 2, third == 2 {
            return (1000...2999).contains(run.digits.number(0, 4))
                && (1...12).contains(run.digits.number(4, 2))
                && (1...31).contains(run.digits.number(6, 2))
        }
        if first <= 2, second <= 2, third == 4 {
            return run.digits.number(0, first) <= 31 && run.digits.number(first, second) <= 31
        }
        return false
    }
}
