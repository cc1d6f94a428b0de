package import JSON

/// What a policy declares itself: a pattern, what its matches must pass, and words beside them.
package struct OwnDetector: Sendable {
    /// What a match must pass besides its pattern.
    package enum Check: String, Sendable, CaseIterable { case luhn, mod97, mod11 }

    package var name: Name
    package var pattern: Pattern
    package var check: Check?
    /// In lower case; one of them must stand within `reach` bytes before or behind the match.
    package var context: [String]

    package static let reach = 64
    package static let countMax = 64

    package init(name: Name, pattern: Pattern, check: Check? = nil, context: [String] = []) {
        self.name = name
        self.pattern = pattern
        self.check = check
        self.context = context
    }
}

struct OwnDetectors: Sendable {
    var all: [OwnDetector] = []

    /// Linear for each of them.
    func find(in text: Span<UInt8>, into findings: inout [Finding]) {
        for (place, detector) in all.enumerated() {
            detector.pattern.eachMatch(in: text) { start, end in
                guard detector.holds(text, start, end) else { return }
                findings.append(Finding(.own(place), start, end))
            }
        }
    }
}

extension OwnDetector {
    fileprivate func holds(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        let digits = Digits(text, start, end)
        switch check {
        case nil: break
        case .luhn: guard digits.count > 1, digits.luhn(digits.count) else { return false }
        case .mod97: guard Self.rest97(text, start, end) == 1 else { return false }
        case .mod11: guard digits.count > 1, digits.isMod11 else { return false }
        }
        guard !context.isEmpty else { return true }
        let from = max(0, start - Self.reach)
        let to = min(text.count, end + Self.reach)
        return context.contains { word in
            text.holds(word, from: from, to: start) || text.holds(word, from: end, to: to)
        }
    }

    /// ISO/IEC 7064 MOD 97-10 over letters and digits, as they stand.
    private static func rest97(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
        var rest = 0
        for index in start..<end where text[index].isWord {
            let value = text[index].isDigit ? Int(text[index] - 0x30) : Int(text[index] & 0xDF) - 55
            rest = (value < 10 ? rest * 10 + value : rest * 100 + value) % 97
        }
        return rest
    }
}

extension Digits {
    /// The last digit checks the others, whose weights are 2, 3, 4 … from the right.
    fileprivate var isMod11: Bool {
        var total = 0
        for index in 0..<count { total += self[count - 1 - index] * (index + 1) }
        return total.isMultiple(of: 11)
    }
}

extension Span<UInt8> {
    /// Whether a word in lower case stands there, in either case.
    fileprivate func holds(_ word: String, from start: Int, to end: Int) -> Bool {
        let wanted = word.utf8.span
        guard wanted.count > 0, end - start >= wanted.count else { return false }
        for place in start...(end - wanted.count) {
            var index = 0
            while index < wanted.count, self[place + index].lowered == wanted[index] { index += 1 }
            if index == wanted.count { return true }
        }
        return false
    }
}
