package import Enforcement
package import JSON

/// A gate whose record, backend and clock belong to the test.
package struct GateFixture: Sendable {
    /// `ada` is in the group support, `eve` in none.
    package static let users = [
        LocalUser(user: "ada", subject: "ada", groups: ["support"]),
        LocalUser(user: "eve", subject: "eve", groups: []),
        LocalUser(user: "fay", subject: "fay", groups: ["support", "fraud"]),
        LocalUser(user: "fin", subject: "fin", groups: ["finance"]),
        LocalUser(user: "fio", subject: "fio", groups: ["finance"]),
    ]
    package static let grants = [
        Grant(scopes: ["crm.read", "crm.write"], groups: ["support"])
    ]

    /// Whose certificates name callers here: `nightly`, by a URI.
    package static let authority = SHA256.digest("the authority of the test")
    private static let certificates = CertificateIssuer(
        issuer: "workloads", authorities: [authority],
        members: [name("nightly"): .init(subject: "nightly")])

    private static func name(_ workload: String) -> CertificateName {
        CertificateName(.uri, "spiffe://example.org/\(workload)".utf8)
    }

    /// Good for ten minutes.
    package func certificate(_ workload: String = "nightly") -> ShownCertificate {
        ShownCertificate(
            thumbprint: SHA256.digest("certificate"), serial: "1f",
            names: [Self.name(workload)], authorities: [Self.authority], notBefore: clock.now,
            notAfter: clock.now + 600)
    }

    package let journal: Journal
    package let sink: RecordingSink
    package let clock = ManualClock()
    package let mint: TokenMint
    package let state = MemoryState()
    package let usage = MemoryUsage()
    package let waits = ApprovalWaits()
    package let seal = RequestSeal(key: Array("the key of the test".utf8))
    package let gate: Gate

    package init(
        tools: [Tool]? = nil, policy: Policy = Policy(grants: Self.grants), callsMax: Int = 100,
        sinkFails: @escaping @Sendable (Int) -> Bool = { _ in false },
        examine: ScriptedBackend.Examine? = nil, aside: (any Aside)? = nil,
        keeping: BodyKeeping? = nil,
        backend: @escaping ScriptedBackend.Script = { _ in .texts(["1"]) }
    ) throws {
        let journal = Journal()
        let clock = self.clock
        self.journal = journal
        sink = RecordingSink(journal: journal, fails: sinkFails)
        mint = try TokenMint(clock: clock)
        gate = Gate(
            identity: IdentityStage(
                issuers: TrustedIssuers(
                    [TokenVerifier(mint.rules, keys: try mint.keys())],
                    certificates: [Self.certificates]),
                localUsers: Self.users, now: { clock.now }),
            limits: LimitStage(callsMax: callsMax), tools: try tools ?? [Tool.sample()],
            policy: policy, backend: ScriptedBackend(journal: journal, examine: examine, backend),
            sink: sink, asking: ConfirmationMeans(store: state, seal: seal),
            approving: ApprovalMeans(store: state, version: "1", waits: waits),
            counting: usage, aside: aside, keeping: keeping, now: { clock.now })
    }

    /// Where people decide about the calls of this gate.
    package var desk: ApprovalDesk {
        ApprovalDesk(store: state, sink: sink, now: { [clock] in clock.now })
    }

    package func caller(_ user: String = "ada") async throws -> IdentifiedCaller {
        try await gate.identify(.localUser(user), at: "")
    }

    package func call(
        _ tool: String = "orders", _ arguments: JSONObject = JSONObject(), as user: String = "ada",
        reach: CallerReach = .none, detachment: (any Detachment)? = nil
    ) async throws -> Outcome {
        await gate.answer(
            ArrivedCall(
                caller: try await caller(user), tool: tool, arguments: arguments,
                via: Transport(kind: .http, address: "192.0.2.7"), reach: reach,
                detachment: detachment))
    }
}

/// Signs tokens that the verifier beside it accepts, and what a test spoils of them.
package struct TokenMint: Sendable {
    package static let issuer = "toolserver:shop"
    package static let audience = "shop"
    package static let keyID = "key-1"

    package let key: ES256PrivateKey
    package let clock: ManualClock

    package init(clock: ManualClock = ManualClock()) throws {
        key = try ES256PrivateKey.generate()
        self.clock = clock
    }

    package var issuers: TrustedIssuers { get throws { issuers(try keys()) } }

    package func issuers(_ keys: any KeySource) -> TrustedIssuers {
        TrustedIssuers([TokenVerifier(rules, keys: keys)])
    }

    package var rules: IssuerRules { IssuerRules(issuer: Self.issuer, audience: Self.audience) }

    package func keys(_ id: String = Self.keyID) throws -> IssuerKeys {
        IssuerKeys([try VerificationKey(jwk: jwk(id))])
    }

    package func jwk(_ id: String? = Self.keyID) -> JSONObject {
        var jwk = JSONObject(
            ("kty", "EC"), ("crv", "P-256"),
            ("x", .string(Base64URL.encode(key.publicKey.x))),
            ("y", .string(Base64URL.encode(key.publicKey.y))))
        jwk["kid"] = id.map { .string($0) }
        return jwk
    }

    package var header: JSONObject {
        JSONObject(("alg", "ES256"), ("typ", "at+jwt"), ("kid", .string(Self.keyID)))
    }

    package var claims: JSONObject {
        JSONObject(
            ("iss", .string(Self.issuer)), ("aud", .string(Self.audience)), ("sub", "ada"),
            ("groups", ["support"]), ("iat", .number(JSONNumber(clock.now - 10))),
            ("exp", .number(JSONNumber(clock.now + 600))))
    }

    package func token(
        _ change: (inout JSONObject) -> Void = { _ in },
        header changeHeader: (inout JSONObject) -> Void = { _ in }
    ) throws -> String {
        var header = self.header
        var claims = self.claims
        changeHeader(&header)
        change(&claims)
        return try token(
            header: JSONValue.object(header).text, claims: JSONValue.object(claims).text)
    }

    /// Any text as header and claims, signed all the same.
    package func token(header: String, claims: String) throws -> String {
        let signed =
            Base64URL.encode(Array(header.utf8)) + "." + Base64URL.encode(Array(claims.utf8))
        return signed + "." + Base64URL.encode(try key.sign(Array(signed.utf8)))
    }
}
