// Whose token may be made of this assertion?
//
// A SAML 2.0 assertion (RFC 7522) that a trusted provider signed, for us, for this place and this
// time, shown once. What comes out are the claims of a token of minutes; that token is verified as
// any other when it is shown. It must never tell a caller which check failed: that is for the
// record.

package import JSON

package struct AssertionExchange: Sendable {
    /// The assertion as a client sends it: base64url of its bytes.
    static let textBytesMax = XMLReader.bytesMax / 3 * 4 + 4

    private let rules: [AssertionRules]
    /// Remembers the assertions that were used, over restarts and for all processes.
    private let store: any StateStore
    private let strangers: Strangers
    private let now: @Sendable () -> Int

    package init(
        _ rules: [AssertionRules], store: any StateStore, sink: any RecordSink,
        now: @escaping @Sendable () -> Int = WallClock.seconds
    ) {
        self.rules = rules
        self.store = store
        strangers = Strangers(sink: sink, now: now)
        self.now = now
    }

    package struct Exchanged: Sendable {
        package let claims: JSONObject
        package let caller: Caller
        /// Seconds for which the token is good.
        package let seconds: Int
    }

    package var isEmpty: Bool { rules.isEmpty }

    /// `address` is for the record of those who are turned away.
    package func exchange(
        _ text: String, at address: String
    ) async throws(Refusal) -> Exchanged {
        do throws(Refusal) { return try await exchange(text) } catch {
            await strangers.turnAway(error, at: address)
            throw error
        }
    }

    private func exchange(_ text: String) async throws(Refusal) -> Exchanged {
        let now = now()
        let assertion: SAMLAssertion
        let rules: AssertionRules
        do throws(XMLFault) {
            (assertion, rules) = try verified(text)
            try assertion.check(rules, now: now)
        } catch {
            throw .invalidAssertion(error.reason, told: error.advice)
        }
        let claims = try assertion.claims(rules, now: now)
        let caller = try CallerClaims.caller(from: claims, rules.issuer)
        try await spend(assertion, rules, now: now)
        let expires = claims["exp"]?.number?.double ?? 0
        return Exchanged(claims: claims, caller: caller, seconds: Int(expires) - now)
    }

    private func verified(_ text: String) throws(XMLFault) -> (SAMLAssertion, AssertionRules) {
        guard text.utf8.count <= Self.textBytesMax else { throw XMLFault("size") }
        // RFC 7522 section 2.1 wants no padding; clients send it all the same.
        let padding = text.utf8.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        guard padding <= 2, let bytes = Base64URL.decode(String(text.utf8.dropLast(padding)) ?? "")
        else { throw XMLFault("encoding") }
        let root = try XMLReader.read(bytes)
        try SAMLAssertion.refuseOtherForms(root)
        let issuer = try SAMLAssertion.claimedIssuer(root)
        guard let rules = rules.first(where: { $0.issuer.issuer.isByteEqual(to: issuer) }) else {
            throw XMLFault("issuer")
        }
        let signed = try EnvelopedSignature.signed(root, by: rules.keys)
        return (try SAMLAssertion(signed: signed), rules)
    }

    /// Last of all: an assertion that is refused for something else is not used up.
    private func spend(
        _ assertion: SAMLAssertion, _ rules: AssertionRules, now: Int
    ) async throws(Refusal) {
        var fields = FieldDigest()
        fields.add("saml")
        fields.add(assertion.issuer)
        fields.add(assertion.id)
        let isFirst: Bool
        do throws(StateError) {
            isFirst = try await store.spend(
                fields.finish().bytes,
                until: now + rules.assertionSecondsMax + 2 * rules.issuer.leewaySeconds)
        } catch {
            throw Refusal(
                .stateUnavailable,
                "The use of an assertion cannot be remembered at the moment. Try again in a minute, then tell the operator.",
                noted: "state: \(error.detail)")
        }
        guard isFirst else { throw .invalidAssertion("used before") }
    }
}

extension SAMLAssertion {
    func check(_ rules: AssertionRules, now: Int) throws(XMLFault) {
        guard issuer.isByteEqual(to: rules.issuer.issuer) else { throw XMLFault("issuer") }
        let latest = now + rules.issuer.leewaySeconds
        let earliest = now - rules.issuer.leewaySeconds
        guard issued <= latest else { throw XMLFault("issued in the future") }
        guard notBefore.map({ $0 <= latest }) ?? true else { throw XMLFault("not valid yet") }
        guard expires.map({ $0 > earliest }) ?? true, sessionExpires.map({ $0 > earliest }) ?? true
        else { throw XMLFault("expired") }
        guard !audiences.isEmpty,
            audiences.allSatisfy({ $0.contains { $0.isByteEqual(to: rules.audience) } })
        else { throw XMLFault("audience") }
        let here = confirmations.filter { $0.recipient.isByteEqual(to: rules.recipient) }
        guard !here.isEmpty else { throw XMLFault("recipient") }
        let good = here.filter { $0.expires > earliest }
        guard !good.isEmpty else { throw XMLFault("expired") }
        // Beyond, its use would be forgotten before it ends.
        guard good.allSatisfy({ $0.expires <= latest + rules.assertionSecondsMax }) else {
            throw XMLFault("lifetime")
        }
    }

    /// Those of a token for this person.
    func claims(_ rules: AssertionRules, now: Int) throws(Refusal) -> JSONObject {
        var end = now + rules.tokenSeconds
        if let sessionExpires { end = min(end, sessionExpires) }
        guard end > now else { throw .invalidAssertion("expired") }
        var claims = JSONObject(distinct: [
            ("iss", .string(rules.issuer.issuer)), ("aud", .string(rules.issuer.audience)),
            ("sub", .string(subject)), ("iat", .number(JSONNumber(now))),
            ("exp", .number(JSONNumber(end))),
        ])
        // As Entra names the place where the groups of people are who are in very many.
        if rules.groups != nil, !values(of: Self.groupsElsewhere).isEmpty { throw .tooManyGroups }
        let groups = rules.groups.map { values(of: $0) } ?? []
        claims["groups"] = .array(groups.map { .string($0) })
        for (claim, attribute) in rules.claims {
            let values = values(of: attribute)
            guard let first = values.first else { continue }
            claims[claim] =
                values.count == 1 ? .string(first) : .array(values.map { .string($0) })
        }
        // The operator says that this attribute is the directory's, and not the person's own word.
        if claims["email"]?.string != nil { claims["email_verified"] = true }
        guard let id = try? randomBytes(12) else { throw .invalidAssertion("no random source") }
        claims["jti"] = .string(Base64URL.encode(id))
        return claims
    }

    private static let groupsElsewhere = "http://schemas.microsoft.com/claims/groups.link"

    private func values(of attribute: String) -> [String] {
        let name = Name(attribute)
        return attributes.filter { $0.name == name }.flatMap(\.values)
    }
}

extension Refusal {
    static func invalidAssertion(_ fault: String, told: String? = nil) -> Refusal {
        Refusal(
            .identityInvalid,
            told
                ?? "The assertion is not valid here. Get a new one from the identity provider, for this server, and send it once.",
            noted: "assertion: \(fault)")
    }
}
