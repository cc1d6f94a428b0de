package import JSON

/// Tokens that say nothing by themselves: their issuer says what they mean (RFC 7662).
package struct OpaqueTokens: Sendable {
    /// What the issuer answers; nil when it does not. It has limits of time and number of its own.
    package typealias Ask = @Sendable (_ token: String) async -> JSONObject?

    package let rules: IssuerRules
    private let ask: Ask
    /// Seconds for which an answer is believed.
    private let kept: Int
    private let refused = TokenMemory<Int>(Self.refusedMax)
    private let now: @Sendable () -> Int

    static let refusedMax = 10_000
    /// Seconds for which a token that is not active stays so.
    private static let refusedKept = 10

    package init(
        _ rules: IssuerRules, kept: Int = 60,
        now: @escaping @Sendable () -> Int = WallClock.seconds, ask: @escaping Ask
    ) {
        self.rules = rules
        self.kept = kept
        self.now = now
        self.ask = ask
    }

    func verify(_ token: String) async throws(Refusal) -> VerifiedToken {
        // RFC 6750 2.1 has been checked of what came over HTTP; here also of the rest.
        guard (1...CompactJWS.bytesMax).contains(token.utf8.count),
            token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw .invalidToken("form") }
        let digest = SHA256.digest(token)
        let moment = now()
        if let until = refused[digest], moment < until { throw .invalidToken("not active") }
        guard let claims = await ask(token) else { throw .issuerAway }
        guard claims["active"]?.bool == true else {
            refused.remember(moment + Self.refusedKept, digest)
            throw .invalidToken("not active")
        }
        return try read(claims, moment)
    }

    private func read(_ answer: JSONObject, _ moment: Int) throws(Refusal) -> VerifiedToken {
        var claims = answer
        if let issuer = claims["iss"] {
            guard issuer.string?.isByteEqual(to: rules.issuer) == true else {
                throw .invalidToken("issuer")
            }
        }
        guard TokenVerifier.isMeant(claims, for: rules.audience) else {
            throw .invalidToken("audience")
        }
        let recheck = moment + kept
        // An issuer may keep the end to itself: then nothing is believed for longer than this.
        if claims["exp"] == nil { claims["exp"] = .number(JSONNumber(recheck)) }
        let times = try TokenTimes(claims)
        try times.check(now: moment, rules)
        if claims["sub"] == nil { claims["sub"] = claims["client_id"] }
        var caller = try CallerClaims.caller(from: claims, rules)
        caller.expires = times.expiry(rules)
        caller.issued = times.issuedSecond
        caller.binding = try TokenBinding.read(claims)
        try TokenScopes.check(claims, rules)
        return VerifiedToken(caller: caller, keys: nil, recheck: recheck)
    }
}
