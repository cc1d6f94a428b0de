import JSON

/// Is this token one of an issuer's, meant for us and good at this moment?
///
/// The algorithms and the keys come from here and the token must agree; the audience is checked
/// always. It must never tell a caller which check failed: that is for the record.
package struct TokenVerifier: Sendable {
    package let rules: IssuerRules
    private let keys: IssuerKeys

    package init(_ rules: IssuerRules, keys: IssuerKeys) {
        self.rules = rules
        self.keys = keys
    }

    func verify(_ token: SignedToken, now: Int) throws(Refusal) -> Caller {
        guard rules.algorithms.contains(token.algorithm) else { throw .invalidToken("algorithm") }
        guard token.issuer?.isByteEqual(to: rules.issuer) == true else {
            throw .invalidToken("issuer")
        }
        let candidates = keys.keys(token.keyID, for: token.algorithm)
        guard !candidates.isEmpty else { throw .invalidToken("key id") }
        guard candidates.contains(where: { token.isSigned(by: $0) }) else {
            throw .invalidToken("signature")
        }
        guard
            Self.audiences(of: token.claims).contains(where: {
                $0.isByteEqual(to: rules.audience)
            })
        else { throw .invalidToken("audience") }
        let times = try TokenTimes(token.claims)
        try times.check(now: now, rules)
        // RFC 7800: such a token is good only with a proof of the key that it names.
        guard token.claims["cnf"] == nil else { throw .invalidToken("bound to a key") }
        var caller = try CallerClaims.caller(from: token.claims, rules)
        caller.expires = Int(times.expires.rounded(.up)) + rules.leewaySeconds
        return caller
    }

    private static func audiences(of claims: JSONObject) -> [String] {
        switch claims["aud"] {
        case .string(let one): [one]
        case .array(let several) where several.allSatisfy({ $0.string != nil }):
            several.compactMap(\.string)
        default: []
        }
    }
}

extension Refusal {
    static func invalidToken(_ fault: String) -> Refusal {
        Refusal(
            .identityInvalid,
            "The access token is not valid here. Get a new one from the issuer of this server and send it.",
            noted: "token: \(fault)")
    }
}
