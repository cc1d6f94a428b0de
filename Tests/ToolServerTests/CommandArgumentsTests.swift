import Enforcement
import JSON
import Testing

@testable import ToolServer

@Suite struct CommandArgumentsTests {
    private func parse(_ words: String...) throws(UsageError) -> Arguments {
        try Arguments(words, options: ["--manifests", "--last"], flags: ["--json"], operands: 4)
    }

    private func fault(_ words: String...) -> String? {
        do throws(UsageError) {
            _ = try Arguments(
                words, options: ["--manifests", "--last"], flags: ["--json"], operands: 4)
            return nil
        } catch { return error.message }
    }

    @Test func optionsFlagsAndOperandsStandInAnyOrder() throws {
        let arguments = try parse("a", "--json", "--manifests", "dir", "b", "--last=5")
        #expect(arguments.operands == ["a", "b"])
        #expect(arguments["--manifests"] == "dir")
        #expect(arguments["--last"] == "5")
        #expect(arguments.has("--json"))
    }

    @Test func wordsThatNobodyAskedForAreRefused() throws {
        #expect(throws: UsageError.self) { try Arguments(["./other"], options: ["--manifests"]) }
    }

    @Test func whatIsNotGivenIsAbsent() throws {
        let arguments = try parse()
        #expect(arguments["--manifests"] == nil)
        #expect(!arguments.has("--json"))
        #expect(arguments.operands == [])
    }

    @Test func aValueMayHoldEqualSigns() throws {
        #expect(try parse("--manifests=a=b=")["--manifests"] == "a=b=")
        #expect(try parse("--manifests", "a=b")["--manifests"] == "a=b")
    }

    @Test func anEmptyValueSwallowsNothing() throws {
        let arguments = try parse("--manifests=", "--json")
        #expect(arguments["--manifests"] == "")
        #expect(arguments.has("--json"))
    }

    @Test func singleDashesAndDoubleDashesAreOperands() throws {
        #expect(try parse("-", "--", "-x", "").operands == ["-", "--", "-x", ""])
    }

    @Test func mistakesAreNamedWithTheNearestOption() {
        #expect(fault("--manifest", "d") == "unknown option --manifest; did you mean --manifests?")
        #expect(fault("--manifests") == "--manifests needs a value")
        #expect(fault("--json=no") == "--json takes no value")
        #expect(fault("--zzzzzzzzzzzz")?.hasPrefix("unknown option --zzzzzzzzzzzz") == true)
        #expect(fault("--=x")?.hasPrefix("unknown option") == true)
        #expect(fault("--jso\u{6E}=") != nil)
    }

    @Test func numbersStayInTheirRange() throws {
        for (text, isGood) in [
            ("1", true), ("9", true), ("0", false), ("10", false), ("-1", false),
        ]
            + [("", false), ("1.0", false), ("x", false), ("99999999999999999999", false)]
        {
            let arguments = try parse("--last=\(text)")
            #expect(((try? arguments.integer("--last", in: 1...9)) != nil) == isGood, "\(text)")
        }
        #expect(try parse().integer("--last", in: 1...9) == nil)
    }

    @Test func theToolExitsByItsCodes() {
        #expect(CommandLineTool.run(["version"]) == .done)
        #expect(CommandLineTool.run(["help"]) == .done)
        #expect(CommandLineTool.run([]) == .usage)
        #expect(CommandLineTool.run(["serv"]) == .usage)
        #expect(CommandLineTool.run(["serve", "--htpp", "x"]) == .usage)
        #expect(CommandLineTool.run(["token"]) == .usage)
    }

    @Test func aTokenOfTheInstallationIsAcceptedByItsVerifier() async throws {
        let key = try ES256PrivateKey.generate()
        let now = 1_800_000_000
        let claims = JSONObject(distinct: [
            ("iss", "local"), ("aud", "shop"), ("sub", "ada"), ("iat", .number(JSONNumber(now))),
            ("exp", .number(JSONNumber(now + 60))),
        ])
        let token = try LocalToken.sign(claims, with: key)
        let keys = IssuerKeys([try VerificationKey(jwk: LocalToken.jwk(of: key.publicKey))])
        let verifier = TokenVerifier(IssuerRules(issuer: "local", audience: "shop"), keys: keys)
        let stage = IdentityStage(issuers: TrustedIssuers([verifier]), now: { now })
        #expect(try await stage.identify(.bearer(token)).caller.subject == "ada")
    }
}
