/// A number as its digits, at most 32 of them, without separators.
struct Digits {
    private(set) var values = InlineArray<32, UInt8>(repeating: 0)
    private(set) var count = 0

    static let countMax = 32

    subscript(_ index: Int) -> Int { Int(values[index]) }

    mutating func append(_ digit: UInt8) {
        values[count] = digit
        count += 1
    }

    init() {}

    init(_ text: Span<UInt8>, _ start: Int, _ end: Int) {
        for index in start..<end where text[index].isDigit && count < Self.countMax {
            append(text[index] - 0x30)
        }
    }

    func dropping(_ first: Int) -> Digits {
        var rest = Digits()
        for index in first..<count { rest.append(values[index]) }
        return rest
    }

    /// The decimal number that some of the digits are.
    func number(_ start: Int, _ length: Int) -> Int {
        var value = 0
        for index in start..<(start + length) { value = value * 10 + self[index] }
        return value
    }

    func isUniform(_ length: Int) -> Bool {
        for index in 1..<max(1, length) where values[index] != values[0] { return false }
        return true
    }

    /// Each digit times its weight.
    func sum(_ weights: [Int]) -> Int {
        var total = 0
        for index in weights.indices { total += weights[index] * self[index] }
        return total
    }

    /// ISO/IEC 7812-1 annex B.
    func luhn(_ length: Int, startingWith start: Int = 0) -> Bool {
        var total = start
        for index in 0..<length {
            let value = self[index]
            guard (length - index).isMultiple(of: 2) else {
                total += value
                continue
            }
            total += value > 4 ? 2 * value - 9 : 2 * value
        }
        return total.isMultiple(of: 10)
    }

    var isEAN13: Bool {
        guard count >= 13 else { return false }
        return sum([1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).isMultiple(of: 10)
    }

    /// ISO/IEC 7064 MOD 11,10 over eleven digits.
    var isISO7064: Bool {
        var product = 10
        for index in 0..<10 {
            var part = (self[index] + product) % 10
            if part == 0 { part = 10 }
            product = part * 2 % 11
        }
        return (11 - product) % 10 == self[10]
    }

    /// Verhoeff's scheme, with the dihedral group of order ten.
    func verhoeff(_ length: Int) -> Bool {
        var check = 0
        for index in 0..<length {
            var digit = self[length - 1 - index]
            for _ in 0..<(index % 8) { digit = Self.permutation[digit] }
            check = Self.product(check, digit)
        }
        return check == 0
    }

    private static let permutation = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]

    private static func product(_ left: Int, _ right: Int) -> Int {
        switch (left < 5, right < 5) {
        case (true, true): (left + right) % 5
        case (true, false): (left + right - 5) % 5 + 5
        case (false, true): (left - 5 - right + 10) % 5 + 5
        case (false, false): (left - right + 5) % 5
        }
    }

    /// Year, month and day with two digits each. Some states add to the day or the month to tell
    /// kinds of people apart.
    func isDate(year: Int?, at month: Int, daysMax: Int) -> Bool {
        let start = year == nil ? 2 : month
        let (monthValue, day) = (number(start, 2), number(start + 2, 2))
        return (1...12).contains(monthValue) && (1...daysMax).contains(day)
            && (day <= 31 || day > 60)
    }

    /// DDMM.
    func isDayMonth(at start: Int) -> Bool {
        (1...31).contains(number(start, 2)) && (1...12).contains(number(start + 2, 2))
    }
}
