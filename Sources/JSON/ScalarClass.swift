/// A set of Unicode scalars: ranges and whole general categories, or everything but those.
struct ScalarClass: Sendable {
    typealias Ranges = [ClosedRange<UInt32>]

    /// What a class is made of before it is known whole.
    struct Parts {
        var ranges: Ranges = []
        var categories: ScalarCategories = []

        static func complement(of ranges: Ranges) -> Parts {
            Parts(ranges: ScalarClass.complement(of: ranges))
        }

        mutating func append(_ other: Parts) {
            ranges += other.ranges
            categories.formUnion(other.categories)
        }
    }

    /// Sorted, without overlap.
    private let ranges: Ranges
    private let categories: ScalarCategories
    private let isNegated: Bool
    private let ascii: (UInt64, UInt64)

    init(_ ranges: Ranges) { self.init(Parts(ranges: ranges), isNegated: false) }

    init(_ parts: Parts, isNegated: Bool) {
        ranges = Self.merged(parts.ranges)
        categories = parts.categories
        self.isNegated = isNegated
        var ascii: (UInt64, UInt64) = (0, 0)
        for value in 0..<UInt32(128)
        where isNegated != Self.holds(ranges, parts.categories, value) {
            if value < 64 { ascii.0 |= 1 << value } else { ascii.1 |= 1 << (value - 64) }
        }
        self.ascii = ascii
    }

    private static func merged(_ ranges: Ranges) -> Ranges {
        var merged: Ranges = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound &+ 1 {
                merged[merged.count - 1] =
                    last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return merged
    }

    func contains(_ scalar: UInt32) -> Bool {
        if scalar < 64 { return ascii.0 >> scalar & 1 == 1 }
        if scalar < 128 { return ascii.1 >> (scalar - 64) & 1 == 1 }
        return isNegated != Self.holds(ranges, categories, scalar)
    }

    private static func holds(
        _ ranges: Ranges, _ categories: ScalarCategories, _ scalar: UInt32
    ) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < scalar { low = middle + 1 } else { high = middle }
        }
        if low < ranges.count, ranges[low].lowerBound <= scalar { return true }
        return !categories.isEmpty && categories.contains(scalar)
    }

    /// Ranges that hold at least this class.
    var cover: Ranges {
        guard categories.isEmpty else { return [0...0x10FFFF] }
        return isNegated ? Self.complement(of: ranges) : ranges
    }

    static func complement(of ranges: Ranges) -> Ranges {
        var result: Ranges = []
        var next: UInt32 = 0
        for range in merged(ranges) {
            if range.lowerBound > next { result.append(next...(range.lowerBound - 1)) }
            next = range.upperBound + 1
        }
        if next <= 0x10FFFF { result.append(next...0x10FFFF) }
        return result
    }

    static let digits: Ranges = [0x30...0x39]
    static let word: Ranges = [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A]
    /// ECMA-262 WhiteSpace and LineTerminator.
    static let space: Ranges = [
        0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029,
        0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
    ]

    static func isWord(_ scalar: UInt32?) -> Bool {
        guard let scalar else { return false }
        return word.contains { $0.contains(scalar) }
    }
}

/// General categories of Unicode, each scalar having exactly one: so the complement of a set of
/// them is a set of them.
struct ScalarCategories: OptionSet, Sendable {
    let rawValue: UInt32

    func contains(_ scalar: UInt32) -> Bool {
        guard let scalar = Unicode.Scalar(scalar) else { return false }
        guard let place = Self.order.firstIndex(of: scalar.properties.generalCategory) else {
            return false
        }
        return rawValue >> place & 1 == 1
    }

    var complement: ScalarCategories { ScalarCategories(rawValue: ~rawValue & Self.all) }

    private static let all = UInt32(1) << names.count - 1

    /// `Lu`, `Uppercase_Letter`, or a whole group as `L` or `Letter`.
    init?(named name: String) {
        let group = Self.groups.first { $0.names.contains { $0.isByteEqual(to: name) } }
        var value: UInt32 = 0
        for (place, entry) in Self.names.enumerated() {
            let isMember = group.map { entry.short.utf8.first == $0.letter } ?? false
            if isMember || entry.short.isByteEqual(to: name) || entry.long.isByteEqual(to: name) {
                value |= 1 << place
            }
        }
        for (alias, aliased) in Self.aliases where alias.isByteEqual(to: name) { value = aliased }
        guard value != 0 else { return nil }
        rawValue = value
    }

    init(rawValue: UInt32) { self.rawValue = rawValue }

    private static let order = names.map(\.category)

    private static let groups: [(letter: UInt8, names: [String])] = [
        (UInt8(ascii: "L"), ["L", "Letter"]), (UInt8(ascii: "M"), ["M", "Mark", "Combining_Mark"]),
        (UInt8(ascii: "N"), ["N", "Number"]), (UInt8(ascii: "P"), ["P", "Punctuation", "punct"]),
        (UInt8(ascii: "S"), ["S", "Symbol"]), (UInt8(ascii: "Z"), ["Z", "Separator"]),
        (UInt8(ascii: "C"), ["C", "Other"]),
    ]

    /// Cased letters, `Nd` and `Cc`.
    private static let aliases: [(String, UInt32)] = [
        ("LC", 0b111), ("Cased_Letter", 0b111), ("digit", 1 << 8), ("cntrl", 1 << 25),
    ]

    /// The first three are the cased letters.
    private static let names: [(category: Unicode.GeneralCategory, short: String, long: String)] = [
        (.uppercaseLetter, "Lu", "Uppercase_Letter"),
        (.lowercaseLetter, "Ll", "Lowercase_Letter"),
        (.titlecaseLetter, "Lt", "Titlecase_Letter"),
        (.modifierLetter, "Lm", "Modifier_Letter"), (.otherLetter, "Lo", "Other_Letter"),
        (.nonspacingMark, "Mn", "Nonspacing_Mark"), (.spacingMark, "Mc", "Spacing_Mark"),
        (.enclosingMark, "Me", "Enclosing_Mark"), (.decimalNumber, "Nd", "Decimal_Number"),
        (.letterNumber, "Nl", "Letter_Number"), (.otherNumber, "No", "Other_Number"),
        (.connectorPunctuation, "Pc", "Connector_Punctuation"),
        (.dashPunctuation, "Pd", "Dash_Punctuation"),
        (.openPunctuation, "Ps", "Open_Punctuation"),
        (.closePunctuation, "Pe", "Close_Punctuation"),
        (.initialPunctuation, "Pi", "Initial_Punctuation"),
        (.finalPunctuation, "Pf", "Final_Punctuation"),
        (.otherPunctuation, "Po", "Other_Punctuation"), (.mathSymbol, "Sm", "Math_Symbol"),
        (.currencySymbol, "Sc", "Currency_Symbol"), (.modifierSymbol, "Sk", "Modifier_Symbol"),
        (.otherSymbol, "So", "Other_Symbol"), (.spaceSeparator, "Zs", "Space_Separator"),
        (.lineSeparator, "Zl", "Line_Separator"),
        (.paragraphSeparator, "Zp", "Paragraph_Separator"), (.control, "Cc", "Control"),
        (.format, "Cf", "Format"), (.surrogate, "Cs", "Surrogate"),
        (.privateUse, "Co", "Private_Use"), (.unassigned, "Cn", "Unassigned"),
    ]
}
