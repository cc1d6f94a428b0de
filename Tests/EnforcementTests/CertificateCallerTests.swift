import JSON
import TestSupport
import Testing

@testable import Enforcement

/// Who a client certificate is, and when it is nobody's.
@Suite struct CertificateCallerTests {
    private static let authority = SHA256.digest("authority")
    private static let nightly = CertificateName(.uri, "spiffe://example.org/nightly".utf8)
    private static let ada = CertificateName(.distinguishedName, "CN=ada,O=Example".utf8)

    let mint: TokenMint
    let list = RevocationList()
    let stage: IdentityStage

    init() throws {
        let mint = try TokenMint()
        self.mint = mint
        let workloads = CertificateIssuer(
            issuer: "workloads", authorities: [Self.authority],
            members: [
                Self.nightly: .init(
                    subject: "nightly", groups: ["batch"], claims: JSONObject(("region", "eu"))),
                Self.ada: .init(subject: "ada", kind: .human, groups: ["support"]),
            ])
        let machines = CertificateIssuer(
            issuer: "machines", authorities: [SHA256.digest("below")],
            members: [Self.nightly: .init(subject: "other")])
        stage = IdentityStage(
            issuers: TrustedIssuers(
                [TokenVerifier(mint.rules, keys: try mint.keys())],
                certificates: [workloads, machines]),
            revocations: Revocations(list), now: { mint.clock.now })
    }

    private func shown(
        _ names: [CertificateName] = [nightly],
        _ change: (inout ShownCertificate) -> Void = { _ in }
    ) -> ShownCertificate {
        var shown = ShownCertificate(
            thumbprint: SHA256.digest("certificate"), serial: "1f", names: names,
            authorities: [Self.authority], notBefore: mint.clock.now - 100,
            notAfter: mint.clock.now + 100)
        change(&shown)
        return shown
    }

    private func refusal(_ shown: ShownCertificate) async -> Refusal? {
        do throws(Refusal) {
            _ = try await stage.identify(.certificate(shown))
            return nil
        } catch { return error }
    }

    private func revoke(
        _ kind: Revocation.Kind, _ value: String, issuer: Name? = nil, at: Int? = nil
    ) async throws {
        try await list.revoke(
            Revocation(
                kind: kind, issuer: issuer, value: Name(value), at: at ?? mint.clock.now,
                expires: .max))
    }

    @Test func aListedCertificateIsItsCaller() async throws {
        let caller = try await stage.identify(.certificate(shown())).caller
        #expect(caller.issuer == "workloads" && caller.subject == "nightly")
        #expect(caller.kind == .agent && caller.groups == ["batch"])
        #expect(caller.claims["region"]?.string == "eu")
        #expect(caller.expires == mint.clock.now + 100 && caller.tokenID == nil)
        let person = try await stage.identify(.certificate(shown([Self.ada]))).caller
        #expect(person.subject == "ada" && person.kind == .human)
    }

    @Test func namesAreComparedToTheByteAndOfTheirKind() async {
        let close: [CertificateName] = [
            .init(.dns, "spiffe://example.org/nightly".utf8),
            .init(.uri, "spiffe://EXAMPLE.org/nightly".utf8),
            .init(.uri, "spiffe://example.org/nightly\0.evil".utf8),
            .init(.uri, "spiffe://example.org/nightly/".utf8), .init(.uri, "".utf8),
            .init(.distinguishedName, "O=Example,CN=ada".utf8),
            .init(.distinguishedName, "CN=ada".utf8), .init(.email, "CN=ada,O=Example".utf8),
        ]
        for name in close {
            #expect(await refusal(shown([name]))?.noted == "certificate: nobody is listed")
        }
        #expect(await refusal(shown([]))?.noted == "certificate: nobody is listed")
        #expect(await refusal(shown(close + [Self.nightly, Self.nightly])) == nil)
        let both = await refusal(shown([Self.nightly, Self.ada]))
        #expect(both?.noted == "certificate: several callers are listed")
    }

    @Test func onlyTheDeclaredAuthorityCountsAndTheNearestFirst() async throws {
        let stranger = await refusal(shown { $0.authorities = [SHA256.digest("another")] })
        #expect(stranger?.noted == "certificate: another authority")
        #expect(stranger?.code == .identityCertificate)
        #expect(await refusal(shown { $0.authorities = [] })?.code == .identityCertificate)
        let below = shown {
            $0.authorities = [SHA256.digest("unknown"), SHA256.digest("below"), Self.authority]
        }
        #expect(try await stage.identify(.certificate(below)).caller.issuer == "machines")
    }

    @Test func itsDatesHoldAtEveryMoment() async throws {
        let caller = try await stage.identify(.certificate(shown()))
        let arrived = ArrivedCall(
            caller: caller, tool: "orders", arguments: JSONObject(),
            via: Transport(kind: .http, address: ""))
        let early = await refusal(shown { $0.notBefore = mint.clock.now + 1 })
        #expect(early?.noted == "certificate: outside its dates")
        #expect(stage.holds(caller))
        let same = shown()
        mint.clock.advance(by: 100)
        #expect(await refusal(same)?.noted == "certificate: outside its dates")
        #expect(!stage.holds(caller))
        let late = await #expect(throws: Refusal.self) { try await stage.confirm(arrived) }
        #expect(late?.code == .identityCertificate)
    }

    @Test func whereNoIssuerNamesCallersItSaysNothing() async throws {
        let stage = IdentityStage(issuers: try mint.issuers)
        func told(_ credential: Credential) async -> Refusal? {
            do throws(Refusal) {
                _ = try await stage.identify(credential)
                return nil
            } catch { return error }
        }
        let certificate = await told(.certificate(shown()))
        let nothing = await told(.none)
        #expect(certificate?.code == .identityMissing && certificate?.told == nothing?.told)
    }

    @Test func itEndsByItsThumbprintOrItsNumberOrItsSubject() async throws {
        try await revoke(.certificate, SHA256.digest("another").hex)
        try await revoke(.serial, "1f", issuer: "machines")
        try await revoke(.subject, "nightly", issuer: "workloads", at: mint.clock.now - 101)
        let caller = try await stage.identify(.certificate(shown()))
        try await revoke(.certificate, shown().thumbprint.hex)
        #expect(await refusal(shown())?.noted == "certificate: revoked")
        #expect(!stage.holds(caller))
        let renewed = shown {
            $0.thumbprint = SHA256.digest("renewed")
            $0.serial = "20"
        }
        #expect(await refusal(renewed) == nil)
        try await revoke(.serial, "20", issuer: "workloads")
        #expect(await refusal(renewed)?.noted == "certificate: revoked")
        // One that was issued since is good.
        try await revoke(.subject, "ada")
        #expect(await refusal(shown([Self.ada]) { $0.thumbprint = .init() }) != nil)
        let next = shown([Self.ada]) {
            $0.thumbprint = SHA256.digest("next")
            $0.serial = "21"
            $0.notBefore = mint.clock.now + 1
        }
        mint.clock.advance(by: 1)
        #expect(await refusal(next) == nil)
    }

    @Test func aTokenThatIsBoundToARevokedCertificateEndsToo() async throws {
        let shown = shown()
        var showing = Showing()
        showing.certificate = shown.thumbprint
        let token = try mint.token { claims in
            claims["cnf"] = ["x5t#S256": .string(Base64URL.encode(shown.thumbprint.bytes))]
        }
        _ = try await stage.identify(.bearer(token, shown: showing))
        try await revoke(.certificate, shown.thumbprint.hex)
        await #expect(throws: Refusal.self) {
            try await stage.identify(.bearer(token, shown: showing))
        }
    }

    @Test func theRecordSaysWhichCertificateItWas() async throws {
        let caller = try await stage.identify(.certificate(shown()))
        let members = String(decoding: caller.recordMembers, as: UTF8.self)
        #expect(members.contains("\"certificate\":\"\(shown().thumbprint.hex)\""))
        #expect(!members.contains("\"token\""))
        // State is bound to who somebody is, and outlives the renewal of a certificate.
        let renewed = shown { $0.thumbprint = SHA256.digest("renewed") }
        #expect(try await stage.identify(.certificate(renewed)).caller.mark == caller.caller.mark)
    }
}
