/// The check digits of national numbers, each by the rule of its authority.
extension Digits {
    var isCPF: Bool {
        func check(_ length: Int) -> Int {
            var total = 0
            for index in 0..<length { total += self[index] * (length + 1 - index) }
            return total * 10 % 11 % 10
        }
        return check(9) == self[9] && check(10) == self[10]
    }

    var isCNPJ: Bool {
        func check(_ weights: [Int]) -> Int {
            let rest = sum(weights) % 11
            return rest < 2 ? 0 : 11 - rest
        }
        return check([5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) == self[12]
            && check([6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) == self[13]
    }

    var isNHS: Bool {
        let check = 11 - sum([10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11
        return check % 11 == self[9] && check != 10
    }

    var isPESEL: Bool {
        (1...12).contains(number(2, 2) % 20) && (1...31).contains(number(4, 2))
            && sum([1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).isMultiple(of: 10)
    }

    var isAadhaar: Bool { self[0] > 1 && verhoeff(12) }

    var isBSN: Bool {
        (sum([9, 8, 7, 6, 5, 4, 3, 2]) - self[8]).isMultiple(of: 11)
    }

    /// One digit stands twice or thrice among the first ten, the rest at most once.
    var isSteuerID: Bool {
        guard self[0] != 0, isISO7064 else { return false }
        var seen = InlineArray<10, Int>(repeating: 0)
        for index in 0..<10 { seen[self[index]] += 1 }
        var repeated = 0
        for index in 0..<10 where seen[index] > 1 {
            repeated += 1
            if seen[index] > 3 { return false }
        }
        return repeated == 1
    }

    var isMedicare: Bool {
        (2...6).contains(self[0]) && sum([1, 3, 7, 9, 1, 3, 7, 9]) % 10 == self[8]
    }

    var isNorwegian: Bool {
        let day = number(0, 2)
        guard (1...31).contains(day > 40 ? day - 40 : day) else { return false }
        let first = (11 - sum([3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11) % 11
        let second = (11 - sum([5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11
        return first == self[9] && second == self[10]
    }

    var isAustrian: Bool {
        self[0] != 0 && isDayMonth(at: 4)
            && sum([3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 == self[3]
    }

    /// The numéro de sécurité sociale with its key.
    var isFrench: Bool {
        guard self[0] == 1 || self[0] == 2 || self[0] == 7 || self[0] == 8 else { return false }
        let month = number(3, 2)
        guard (1...12).contains(month) || (20...42).contains(month) || month >= 50 else {
            return false
        }
        return 97 - number(0, 13) % 97 == number(13, 2)
    }

    var isMyNumber: Bool {
        let rest = sum([6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11
        return (rest <= 1 ? 0 : 11 - rest) == self[11]
    }

    /// Numbers given out since October 2020 have no check digit.
    var isKorean: Bool {
        (1...12).contains(number(2, 2)) && (1...31).contains(number(4, 2)) && self[6] < 9
    }

    /// ISO/IEC 7064 MOD 11-2; `last` is ten for `X`.
    func isChinese(last: Int) -> Bool {
        guard (1...8).contains(self[0]), (18...20).contains(number(6, 2)),
            (1...12).contains(number(10, 2)), (1...31).contains(number(12, 2))
        else { return false }
        let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
        return (12 - sum(weights) % 11) % 11 == last
    }

    var isThai: Bool {
        self[0] != 0
            && (11 - sum([13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10 == self[12]
    }

    var isSouthAfrican: Bool {
        (1...12).contains(number(2, 2)) && (1...31).contains(number(4, 2)) && self[10] < 3
            && luhn(13)
    }

    var isTurkish: Bool {
        guard self[0] != 0 else { return false }
        let odd = self[0] + self[2] + self[4] + self[6] + self[8]
        let even = self[1] + self[3] + self[5] + self[7]
        let tenth = ((odd * 7 - even) % 10 + 10) % 10
        return tenth == self[9] && (odd + even + self[9]) % 10 == self[10]
    }

    var isRomanian: Bool {
        let check = sum([2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11
        return self[0] != 0 && (1...12).contains(number(3, 2)) && (1...31).contains(number(5, 2))
            && (check == 10 ? 1 : check) == self[12]
    }

    /// Months of women are 50 more; a full year of births adds 20.
    var isCzech: Bool {
        let month = number(2, 2)
        let plain =
            month > 70 ? month - 70 : month > 50 ? month - 50 : month > 20 ? month - 20 : month
        return (1...12).contains(plain) && (1...31).contains(number(4, 2))
            && number(0, 10).isMultiple(of: 11)
    }

    var isPortuguese: Bool {
        let rest = sum([9, 8, 7, 6, 5, 4, 3, 2]) % 11
        return (rest < 2 ? 0 : 11 - rest) == self[8] && self[0] != 0
    }

    var isBelgian: Bool {
        let key = number(9, 2)
        let base = number(0, 9)
        return number(2, 2) % 20 <= 12 && number(4, 2) <= 31
            && (97 - base % 97 == key || 97 - (2_000_000_000 + base) % 97 == key)
    }

    var isArgentine: Bool {
        let rest = 11 - sum([5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11
        return (rest == 11 ? 0 : rest == 10 ? 9 : rest) == self[10]
            && [20, 23, 24, 25, 26, 27, 30, 33, 34].contains(number(0, 2))
    }

    /// `check` is ten for `K`.
    func isChilean(_ length: Int, _ check: Int) -> Bool {
        var total = 0
        for index in 0..<length { total += self[length - 1 - index] * (index % 6 + 2) }
        return (11 - total % 11) % 11 == check
    }

    var isSNILS: Bool {
        let rest = sum([9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101
        return (rest == 100 ? 0 : rest) == number(9, 2)
    }

    var isINN12: Bool {
        sum([7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10 == self[10]
            && sum([3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10 == self[11]
    }

    var isIndonesian: Bool {
        let day = number(6, 2)
        return (1...31).contains(day > 40 ? day - 40 : day) && (1...12).contains(number(8, 2))
    }

    /// Estonia and Lithuania.
    var isEstonian: Bool {
        guard (1...8).contains(self[0]), (1...12).contains(number(3, 2)) else { return false }
        var check = sum([1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11
        if check == 10 { check = sum([3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10 }
        return check == self[10]
    }
}
