/// What a detector can find in a text, whatever the text is about.
///
/// The raw value is the word of policies, placeholders and tokens.
package enum ValueKind: String, Sendable, CaseIterable {
    // Identifiers: they tell who someone is. Joining on them is useful, so they become tokens.
    case email, phone, card, iban, ssn, ip, mac, passport, imei, crypto
    case nationalID = "national_id"
    case birthDate = "birth_date"
    case cardCode = "card_code"
    // Secrets: they let someone in.
    case jwt, password, token
    case privateKey = "private_key"
    case apiKey = "api_key"

    /// Among all kinds.
    var place: Int {
        switch self {
        case .email: 0
        case .phone: 1
        case .card: 2
        case .iban: 3
        case .ssn: 4
        case .ip: 5
        case .mac: 6
        case .passport: 7
        case .imei: 8
        case .crypto: 9
        case .nationalID: 10
        case .birthDate: 11
        case .cardCode: 12
        case .jwt: 13
        case .password: 14
        case .token: 15
        case .privateKey: 16
        case .apiKey: 17
        }
    }

    /// Secrets win over identifiers, and nothing of one may be left to see.
    package var isSecret: Bool {
        switch self {
        case .jwt, .password, .token, .privateKey, .apiKey: true
        default: false
        }
    }
}

/// A value in a text: bytes `start..<end`.
struct Finding: Equatable {
    var start: Int
    var end: Int
    var what: What

    /// An own detector is known by its place among the detectors of the policy.
    enum What: Hashable {
        case kind(ValueKind)
        case own(Int)
    }

    init(_ kind: ValueKind, _ start: Int, _ end: Int) {
        self.init(.kind(kind), start, end)
    }

    init(_ what: What, _ start: Int, _ end: Int) {
        self.start = start
        self.end = end
        self.what = what
    }

    var isSecret: Bool { if case .kind(let kind) = what { kind.isSecret } else { false } }

    /// Which of two hits on the same bytes names them: the longer, then the secret.
    func outranks(_ other: Finding) -> Bool {
        let (length, otherLength) = (end - start, other.end - other.start)
        return length == otherLength ? isSecret && !other.isSecret : length > otherLength
    }

    /// In order, overlapping and touching hits as one region.
    static func merge(_ findings: inout [Finding]) {
        guard findings.count > 1 else { return }
        findings.sort { $0.start == $1.start ? $0.end > $1.end : $0.start < $1.start }
        var strongest = findings[0]
        var last = 0
        for index in 1..<findings.count {
            let next = findings[index]
            if next.start <= findings[last].end {
                if next.outranks(strongest) { strongest = next }
                findings[last].end = max(findings[last].end, next.end)
                findings[last].what = strongest.what
            } else {
                last += 1
                findings[last] = next
                strongest = next
            }
        }
        findings.removeSubrange((last + 1)...)
    }
}
