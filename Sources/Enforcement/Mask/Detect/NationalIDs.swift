/// The personal numbers of states, as far as a check digit or a word tells them from any other
/// number.
struct NationalIDs: OptionSet {
    let rawValue: UInt64

    private init(bit: Int) { rawValue = 1 << UInt64(bit) }
    init(rawValue: UInt64) { self.rawValue = rawValue }

    static let all = NationalIDs(rawValue: ~0 ^ plain.rawValue)

    static let cpf = NationalIDs(bit: 0)
    static let nhs = NationalIDs(bit: 1)
    static let nino = NationalIDs(bit: 2)
    static let pesel = NationalIDs(bit: 3)
    static let aadhaar = NationalIDs(bit: 4)
    static let bsn = NationalIDs(bit: 5)
    static let steuer = NationalIDs(bit: 6)
    static let sin = NationalIDs(bit: 7)
    static let tfn = NationalIDs(bit: 8)
    static let medicare = NationalIDs(bit: 9)
    static let swedish = NationalIDs(bit: 10)
    static let norwegian = NationalIDs(bit: 11)
    static let danish = NationalIDs(bit: 12)
    static let finnish = NationalIDs(bit: 13)
    static let swiss = NationalIDs(bit: 14)
    static let austrian = NationalIDs(bit: 15)
    static let french = NationalIDs(bit: 16)
    static let japanese = NationalIDs(bit: 17)
    static let korean = NationalIDs(bit: 18)
    static let chinese = NationalIDs(bit: 19)
    static let thai = NationalIDs(bit: 20)
    static let southAfrican = NationalIDs(bit: 21)
    static let turkish = NationalIDs(bit: 22)
    static let israeli = NationalIDs(bit: 23)
    static let romanian = NationalIDs(bit: 24)
    static let bulgarian = NationalIDs(bit: 25)
    static let czech = NationalIDs(bit: 26)
    static let hungarian = NationalIDs(bit: 27)
    static let greek = NationalIDs(bit: 28)
    static let portuguese = NationalIDs(bit: 29)
    static let belgian = NationalIDs(bit: 30)
    static let irish = NationalIDs(bit: 31)
    static let argentine = NationalIDs(bit: 32)
    static let chilean = NationalIDs(bit: 33)
    static let russian = NationalIDs(bit: 34)
    static let spanish = NationalIDs(bit: 35)
    static let malaysian = NationalIDs(bit: 36)
    static let indonesian = NationalIDs(bit: 37)
    static let newZealand = NationalIDs(bit: 38)
    static let npi = NationalIDs(bit: 39)
    static let croatian = NationalIDs(bit: 40)
    static let estonian = NationalIDs(bit: 41)
    /// Numbers without a check digit, known by their word alone.
    static let plain = NationalIDs(bit: 42)

    /// Which of `candidates` this number is by its check digits.
    static func isValid(_ digits: Digits, _ count: Int, among candidates: NationalIDs) -> Bool {
        guard !candidates.isEmpty, !digits.isUniform(count) else { return false }
        for rule in rules
        where rule.count == count && !candidates.isDisjoint(with: rule.id) && rule.holds(digits) {
            return true
        }
        return candidates.contains(.plain) && (6...12).contains(count)
    }

    private struct Rule: Sendable {
        let id: NationalIDs
        let count: Int
        let holds: @Sendable (Digits) -> Bool
    }

    private static let rules: [Rule] = [
        Rule(id: .cpf, count: 11) { $0.isCPF },
        Rule(id: .cpf, count: 14) { $0.isCNPJ },
        Rule(id: .nhs, count: 10) { $0.isNHS },
        Rule(id: .pesel, count: 11) { $0.isPESEL },
        Rule(id: .aadhaar, count: 12) { $0.isAadhaar },
        Rule(id: .bsn, count: 9) { $0.isBSN },
        Rule(id: .steuer, count: 11) { $0.isSteuerID },
        Rule(id: .sin, count: 9) { $0.luhn(9) && $0[0] != 8 },
        Rule(id: .tfn, count: 9) { $0.sum([1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 == 0 },
        Rule(id: .tfn, count: 8) { $0.sum([10, 7, 8, 4, 6, 3, 5, 1]) % 11 == 0 },
        Rule(id: .medicare, count: 10) { $0.isMedicare },
        Rule(id: .medicare, count: 11) { $0.isMedicare },
        Rule(id: .swedish, count: 10) { $0.isDate(year: nil, at: 0, daysMax: 91) && $0.luhn(10) },
        Rule(id: .swedish, count: 12) {
            $0.isDate(year: 0, at: 4, daysMax: 91) && $0.dropping(2).luhn(10)
        },
        Rule(id: .norwegian, count: 11) { $0.isNorwegian },
        Rule(id: .danish, count: 10) { $0.isDayMonth(at: 0) },
        Rule(id: .swiss, count: 13) { $0.number(0, 3) == 756 && $0.isEAN13 },
        Rule(id: .austrian, count: 10) { $0.isAustrian },
        Rule(id: .french, count: 15) { $0.isFrench },
        Rule(id: .french, count: 13) { $0[0] == 1 || $0[0] == 2 },
        Rule(id: .japanese, count: 12) { $0.isMyNumber },
        Rule(id: .korean, count: 13) { $0.isKorean },
        Rule(id: .chinese, count: 18) { $0.isChinese(last: $0[17]) },
        Rule(id: .thai, count: 13) { $0.isThai },
        Rule(id: .southAfrican, count: 13) { $0.isSouthAfrican },
        Rule(id: .turkish, count: 11) { $0.isTurkish },
        Rule(id: .israeli, count: 9) { $0.luhn(9) },
        Rule(id: .romanian, count: 13) { $0.isRomanian },
        Rule(id: .bulgarian, count: 10) {
            $0.sum([2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == $0[9]
        },
        Rule(id: .czech, count: 10) { $0.isCzech },
        Rule(id: .hungarian, count: 9) { $0.sum([3, 7, 3, 7, 3, 7, 3, 7]) % 10 == $0[8] },
        Rule(id: .greek, count: 11) { $0.isDayMonth(at: 0) && $0.luhn(11) },
        Rule(id: .greek, count: 9) { $0.sum([256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == $0[8] },
        Rule(id: .portuguese, count: 9) { $0.isPortuguese },
        Rule(id: .belgian, count: 11) { $0.isBelgian },
        Rule(id: .argentine, count: 11) { $0.isArgentine },
        Rule(id: .chilean, count: 9) { $0.isChilean(8, $0[8]) },
        Rule(id: .chilean, count: 8) { $0.isChilean(7, $0[7]) },
        Rule(id: .russian, count: 11) { $0.isSNILS },
        Rule(id: .russian, count: 12) { $0.isINN12 },
        Rule(id: .russian, count: 10) { $0.sum([2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10 == $0[9] },
        Rule(id: .malaysian, count: 12) { $0.isDate(year: nil, at: 0, daysMax: 31) },
        Rule(id: .indonesian, count: 16) { $0.isIndonesian },
        Rule(id: .newZealand, count: 9) { $0[0] == 1 },
        Rule(id: .newZealand, count: 8) { $0[0] > 0 },
        Rule(id: .npi, count: 10) { $0[0] == 1 && $0.luhn(10, startingWith: 24) },
        Rule(id: .croatian, count: 11) { $0.isISO7064 },
        Rule(id: .croatian, count: 13) { $0.isDayMonth(at: 0) },
        Rule(id: .estonian, count: 11) { $0.isEstonian },
    ]
}
