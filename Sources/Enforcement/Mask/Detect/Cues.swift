/// What the words around a number say that it is.
struct Cues: OptionSet {
    let rawValue: UInt32

    static let phone = Cues(rawValue: 1 << 0)
    /// `call`, `office`: a person's word for a number that may be many things.
    static let maybePhone = Cues(rawValue: 1 << 1)
    static let card = Cues(rawValue: 1 << 2)
    static let cardCode = Cues(rawValue: 1 << 3)
    static let birth = Cues(rawValue: 1 << 4)
    static let passport = Cues(rawValue: 1 << 5)
    static let imei = Cues(rawValue: 1 << 6)
    static let ssn = Cues(rawValue: 1 << 7)
    /// `version`, `section`: four numbers with dots are no address.
    static let version = Cues(rawValue: 1 << 8)
    static let ip = Cues(rawValue: 1 << 9)
    /// `isbn`, `ean`: a number of goods.
    static let goods = Cues(rawValue: 1 << 10)
    static let bearer = Cues(rawValue: 1 << 11)
    static let basic = Cues(rawValue: 1 << 12)
    /// A word that a secret follows in prose.
    static let secret = Cues(rawValue: 1 << 13)
    static let licence = Cues(rawValue: 1 << 14)
    /// A word that a key or token follows: `--token …`.
    static let credential = Cues(rawValue: 1 << 15)
    /// `sku`, `parcel`: a number of something that is no person's, unless another word says more.
    static let thing = Cues(rawValue: 1 << 16)
    /// `part`, `order`, right in front of a number: it is the number of one.
    static let code = Cues(rawValue: 1 << 17)
    /// `number`, `no`: what the number is of stands in front of it.
    static let ordinal = Cues(rawValue: 1 << 18)
    /// A program whose options carry a password: `mysql`.
    static let tool = Cues(rawValue: 1 << 19)
    /// `totp`, `authenticator`: the seed of codes may follow.
    static let seed = Cues(rawValue: 1 << 20)

    /// Words that make the scanner look at what comes after them.
    static let leading: Cues = [
        .birth, .passport, .bearer, .basic, .secret, .licence, .credential, .cardCode, .tool,
        .seed,
    ]
}

/// What one word means: cues, and the national numbers that it names.
struct Meaning {
    var cues: Cues = []
    var ids: NationalIDs = []

    static let nothing = Meaning()
    var isNothing: Bool { cues.isEmpty && ids.isEmpty }

    mutating func formUnion(_ other: Meaning) {
        cues.formUnion(other.cues)
        ids.formUnion(other.ids)
    }
}

/// Words in many languages, by a hash of their folded bytes.
///
/// A look-up makes no string. Two words with one hash would share their meaning: a cue too many,
/// with a chance of one in 2^50.
struct WordTable: Sendable {
    private var keys: [UInt64]
    private var meanings: [Meaning]
    private let mask: Int
    /// By the first two bytes of each leading word.
    private var beginnings = [Bool](repeating: false, count: 1 << 16)

    static let shared = WordTable()

    private init() {
        mask = 2047
        keys = [UInt64](repeating: 0, count: mask + 1)
        meanings = [Meaning](repeating: .nothing, count: mask + 1)
        for (cues, words) in Self.cueWords { add(words, Meaning(cues: cues)) }
        for (ids, words) in Self.idWords { add(words, Meaning(ids: ids)) }
    }

    private mutating func add(_ words: String, _ meaning: Meaning) {
        for word in words.split(separator: " ") {
            let bytes = Array(word.utf8)
            let hash = Self.hash(bytes.span, 0, bytes.count)
            var slot = Int(truncatingIfNeeded: hash) & mask
            while keys[slot] != 0 && keys[slot] != hash { slot = (slot + 1) & mask }
            keys[slot] = hash
            meanings[slot].formUnion(meaning)
            if !meaning.cues.isDisjoint(with: .leading) {
                beginnings[Self.beginning(bytes.span, 0)] = true
            }
        }
    }

    private static func beginning(_ text: Span<UInt8>, _ start: Int) -> Int {
        Int(text[start].lowered) << 8 | Int(text.at(start + 1).lowered)
    }

    /// Whether a leading word may begin here; asked at every word of a text.
    @inline(__always)
    func mayLead(_ text: Span<UInt8>, _ start: Int) -> Bool {
        beginnings[Self.beginning(text, start)]
    }

    func meaning(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Meaning {
        guard end - start <= 40 else { return .nothing }
        let hash = Self.hash(text, start, end)
        var slot = Int(truncatingIfNeeded: hash) & mask
        while keys[slot] != 0 {
            if keys[slot] == hash { return meanings[slot] }
            slot = (slot + 1) & mask
        }
        return .nothing
    }

    /// FNV-1a over the bytes in lower case: ASCII, Latin with accents, Cyrillic.
    private static func hash(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        var index = start
        while index < end {
            var byte = text[index].lowered
            if byte == 0xC3 || byte == 0xD0, index + 1 < end {
                let (lead, trail) = folded(byte, text[index + 1])
                hash = (hash ^ UInt64(lead)) &* 0x100_0000_01b3
                byte = trail
                index += 1
            }
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
            index += 1
        }
        return hash | 1
    }

    private static func folded(_ lead: UInt8, _ trail: UInt8) -> (UInt8, UInt8) {
        switch (lead, trail) {
        case (0xC3, 0x80...0x9E): (lead, trail | 0x20)
        case (0xD0, 0x90...0x9F): (lead, trail + 0x20)
        case (0xD0, 0xA0...0xAF): (0xD1, trail - 0x20)
        default: (lead, trail)
        }
    }
}

extension Span<UInt8> {
    /// What the last few words before `end` mean together.
    ///
    /// It looks back at most 56 bytes and six words, never past the end of a field or of a line
    /// that says something, past another number, or past what is masked already.
    func cues(before end: Int) -> Meaning {
        var found = Meaning.nothing
        var index = end
        let stop = Swift.max(0, end - 56)
        var words = 0
        while index > stop && words < 6 {
            let byte = self[index - 1]
            if !byte.isWord && byte < 0x80 {
                switch byte {
                case UInt8(ascii: ";"), UInt8(ascii: "}"), UInt8(ascii: "{"): return found
                case UInt8(ascii: "\n") where words > 0: return found
                case UInt8(ascii: "&") where words > 0: return found
                case UInt8(ascii: ">") where isIssuedToken(endingAt: index): return found
                case UInt8(ascii: "]") where isPlaceholder(endingAt: index): return found
                default: break
                }
                index -= 1
                continue
            }
            let wordEnd = index
            index = start(of: wordEnd, atMost: 40) { $0.isWord || $0 >= 0x80 }
            let length = wordEnd - index
            if length >= 5, self[index].isDigit, self[wordEnd - 1].isDigit { return found }
            found.formUnion(WordTable.shared.meaning(self, index, wordEnd))
            if self[wordEnd - 1] >= 0x80 { found.formUnion(ideographs(index, wordEnd)) }
            words += 1
        }
        return found
    }

    /// What a word just behind the value says: `536-22-8710 (SSN)`.
    func cues(after start: Int) -> Meaning {
        var index = end(of: start, atMost: 3) {
            $0 == 0x20 || $0 == UInt8(ascii: "(") || $0 == UInt8(ascii: "[")
        }
        guard index > start else { return .nothing }
        let wordStart = index
        index = end(of: wordStart, atMost: 24) { $0.isLetter || $0 >= 0x80 }
        guard index > wordStart else { return .nothing }
        // What an earlier mask put there says nothing of what stands in front of it.
        if self[wordStart - 1] == UInt8(ascii: "["), self[wordStart].isLower { return .nothing }
        return WordTable.shared.meaning(self, wordStart, index)
    }

    /// The first word alone, for words that speak of what stands right behind them.
    func lastWord(before end: Int) -> Meaning {
        let wordEnd = start(of: end, atMost: 4) { !($0.isWord || $0 >= 0x80) }
        let wordStart = start(of: wordEnd, atMost: 40) { $0.isWord || $0 >= 0x80 }
        guard wordStart < wordEnd else { return .nothing }
        return WordTable.shared.meaning(self, wordStart, wordEnd)
    }

    /// What the number that begins at `start` is called: the last word, or the one in front of
    /// `number` and `no.`.
    func title(before start: Int) -> Meaning {
        var end = start
        for _ in 0..<2 {
            let wordEnd = self.start(of: end, atMost: 4) { !($0.isWord || $0 >= 0x80) }
            let wordStart = self.start(of: wordEnd, atMost: 40) { $0.isWord || $0 >= 0x80 }
            guard wordStart < wordEnd else { return .nothing }
            let meaning = WordTable.shared.meaning(self, wordStart, wordEnd)
            if !meaning.cues.contains(.ordinal) { return meaning }
            end = wordStart
        }
        return .nothing
    }

    /// `part 536-22-8710`, `order no. 212-555-0143`: the word says that it is nobody's.
    func isCode(at start: Int) -> Bool {
        let title = title(before: start)
        return title.ids.isEmpty && !title.cues.isDisjoint(with: [.code, .thing])
    }

    /// Chinese, Japanese and Korean put no space between words: the end of the run is compared.
    private func ideographs(_ start: Int, _ end: Int) -> Meaning {
        var found = Meaning.nothing
        for (word, meaning) in Self.ideographWords where contains(word, from: start, to: end) {
            found.formUnion(meaning)
        }
        return found
    }

    private func contains(_ word: StaticString, from start: Int, to end: Int) -> Bool {
        let length = word.utf8CodeUnitCount
        guard end - start >= length else { return false }
        return (start...(end - length)).contains { has(word, at: $0) }
    }

    private static var ideographWords: [(StaticString, Meaning)] {
        [
            ("電話", Meaning(cues: .phone)), ("电话", Meaning(cues: .phone)),
            ("手机", Meaning(cues: .phone)), ("手機", Meaning(cues: .phone)),
            ("携帯", Meaning(cues: .phone)), ("전화", Meaning(cues: .phone)),
            ("휴대폰", Meaning(cues: .phone)), ("身份证", Meaning(ids: .all)),
            ("身份證", Meaning(ids: .all)), ("身分證", Meaning(ids: .all)),
            ("マイナンバー", Meaning(ids: .all)), ("個人番号", Meaning(ids: .all)),
            ("주민등록", Meaning(ids: .all)),
        ]
    }
}
