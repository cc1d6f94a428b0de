import JSON

/// `exp`, `iat` and `nbf` of one token (RFC 7519 section 4.1): numbers of seconds, whole or not.
struct TokenTimes {
    let expires: Double
    private let issued: Double?
    private let notBefore: Double?

    init(_ claims: JSONObject) throws(Refusal) {
        guard let expires = try Self.seconds("exp", in: claims) else {
            throw .invalidToken("no expiry")
        }
        self.expires = expires
        issued = try Self.seconds("iat", in: claims)
        notBefore = try Self.seconds("nbf", in: claims)
    }

    func check(now: Int, _ rules: IssuerRules) throws(Refusal) {
        let now = Double(now)
        let leeway = Double(rules.leewaySeconds)
        let lifetime = Double(rules.lifetimeSecondsMax)
        guard expires + leeway > now else { throw .expiredToken }
        // Without `iat` a token is as old as its first showing.
        let start = issued ?? now + leeway
        guard expires - start <= lifetime else { throw .invalidToken("lifetime") }
        guard issued.map({ $0 <= now + leeway }) ?? true else {
            throw .invalidToken("issued in the future")
        }
        if let notBefore {
            guard notBefore <= now + leeway, notBefore < expires else {
                throw .invalidToken("not valid yet")
            }
        }
        if let issued, issued > expires { throw .invalidToken("issued after its expiry") }
    }

    /// The first second at which it is over, with what clocks may differ.
    func expiry(_ rules: IssuerRules) -> Int { Int(expires.rounded(.up)) + rules.leewaySeconds }

    var issuedSecond: Int? { issued.map { Int($0.rounded(.down)) } }

    /// Within forty bits a `Double` is exact to a hundred-thousandth of a second.
    private static func seconds(
        _ name: String, in claims: JSONObject
    ) throws(Refusal) -> Double? {
        guard let value = claims[name] else { return nil }
        guard let seconds = value.number?.double, seconds > 0, seconds < Double(1 << 40) else {
            throw .invalidToken("time `\(name)`")
        }
        return seconds
    }
}
