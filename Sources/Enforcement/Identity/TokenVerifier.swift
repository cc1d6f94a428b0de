import JSON

/// Is this token one of an issuer's, meant for us and good at this moment?
///
/// The algorithms and the keys come from here and the token must agree; the audience is checked
/// always. It must never tell a caller which check failed: that is for the record.
package struct TokenVerifier: Sendable {
    package let rules: IssuerRules
    private let keys: any KeySource

    package init(_ rules: IssuerRules, keys: any KeySource) {
        self.rules = rules
        self.keys = keys
    }

    func verify(_ token: SignedToken, now: Int) async throws(Refusal) -> VerifiedToken {
        guard rules.algorithms.contains(token.algorithm) else { throw .invalidToken("algorithm") }
        guard token.issuer?.isByteEqual(to: rules.issuer) == true else {
            throw .invalidToken("issuer")
        }
        // Before the keys: what they are now, they may not be any more when it counts.
        let generation = keys.generation
        let candidates = try await keys.keys(for: token.keyID)
            .keys(token.keyID, for: token.algorithm)
        guard !candidates.isEmpty else { throw .invalidToken("key id") }
        guard candidates.contains(where: { token.isSigned(by: $0) }) else {
            throw .invalidToken("signature")
        }
        guard Self.isMeant(token.claims, for: rules.audience) else {
            throw .invalidToken("audience")
        }
        let times = try TokenTimes(token.claims)
        try times.check(now: now, rules)
        var caller = try CallerClaims.caller(from: token.claims, rules)
        caller.expires = times.expiry(rules)
        caller.issued = times.issuedSecond
        caller.binding = try TokenBinding.read(token.claims)
        try TokenScopes.check(token.claims, rules)
        return VerifiedToken(caller: caller, keys: keys, generation: generation)
    }

    static func isMeant(_ claims: JSONObject, for audience: String) -> Bool {
        let audiences: [String] =
            switch claims["aud"] {
            case .string(let one): [one]
            case .array(let several) where several.allSatisfy({ $0.string != nil }):
                several.compactMap(\.string)
            default: []
            }
        return audiences.contains { $0.isByteEqual(to: audience) }
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
