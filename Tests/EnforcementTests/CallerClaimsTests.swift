import JSON
import TestSupport
import Testing

@testable import Enforcement

@Suite struct CallerClaimsTests {
    private static let base = JSONObject(("sub", "ada"))

    private func caller(
        _ json: String, groups: GroupsClaim = GroupsClaim()
    ) throws -> Caller {
        var claims = Self.base
        for (name, value) in try #require(JSONParser.parse(Array(json.utf8)).object).members {
            claims[name] = value
        }
        return try CallerClaims.caller(
            from: claims, IssuerRules(issuer: "i", audience: "a", groups: groups))
    }

    private func fault(_ json: String, groups: GroupsClaim = GroupsClaim()) throws -> String? {
        do { _ = try caller(json, groups: groups) } catch let refusal as Refusal {
            #expect(refusal.code == .identityInvalid)
            return refusal.noted
        }
        return nil
    }

    @Test func groupsMayLieDeep() throws {
        let claim = GroupsClaim(path: ["realm_access", "roles"])
        #expect(
            try caller(#"{"realm_access":{"roles":["a","b"]}}"#, groups: claim).groups
                == ["a", "b"])
        #expect(try caller("{}", groups: claim).groups == [])
        #expect(try caller(#"{"realm_access":{}}"#, groups: claim).groups == [])
        #expect(try caller(#"{"groups":["a"]}"#, groups: claim).groups == [])
        for wrong in [#""roles""#, "null", "[]", "1", #"{"roles":null}"#, #"{"roles":{}}"#] {
            #expect(try fault("{\"realm_access\":\(wrong)}", groups: claim) == "token: groups")
        }
    }

    @Test func aTextOfGroupsNeedsASeparator() throws {
        let spaced = GroupsClaim(path: ["scope"], separator: UInt8(ascii: " "))
        #expect(try caller(#"{"scope":"a  b "}"#, groups: spaced).groups == ["a", "b"])
        #expect(try caller(#"{"scope":"a,b"}"#, groups: spaced).groups == ["a,b"])
        #expect(try caller(#"{"scope":""}"#, groups: spaced).groups == [])
        #expect(try caller(#"{"scope":["a b"]}"#, groups: spaced).groups == ["a b"])
        #expect(try fault(#"{"groups":"a b"}"#) == "token: groups")
    }

    @Test(arguments: [
        #"{"_claim_names":{"groups":"src1"}}"#, #"{"hasgroups":true}"#,
        #"{"groups":["a"],"_claim_names":{"groups":"src1"}}"#,
    ])
    func groupsLeftOutAreRefused(_ claims: String) throws {
        #expect(try fault(claims) == "token: groups overage")
    }

    @Test func otherClaimsThatAreElsewhereDoNotMatter() throws {
        #expect(try caller(#"{"_claim_names":{"photo":"src1"},"hasgroups":false}"#).groups == [])
    }

    @Test func onlyAVerifiedAddressCounts() throws {
        let address = "\"email\":\"ada@shop.example\""
        #expect(
            try caller("{\(address),\"email_verified\":true}").email == "ada@shop.example")
        for verified in ["false", "\"true\"", "1", "null"] {
            #expect(try caller("{\(address),\"email_verified\":\(verified)}").email == nil)
        }
        #expect(try caller("{\(address)}").email == nil)
        #expect(try caller(#"{"email_verified":true}"#).email == nil)
        #expect(try fault(#"{"email_verified":true,"email":["a@b"]}"#) == "token: claim `email`")
    }

    @Test func aClientThatCallsForItselfIsAnAgent() throws {
        #expect(try caller(#"{"client_id":"ada"}"#).kind == .agent)
        #expect(try caller(#"{"azp":"ada"}"#).kind == .agent)
        #expect(try caller(#"{"client_id":"Ada"}"#).kind == .human)
        let both = try caller(#"{"client_id":"desk","azp":"other"}"#)
        #expect(both.kind == .human)
        #expect(both.clientID == "desk")
    }

    @Test(arguments: [
        "\"a\\u202eb\"", "\"a\\u2028b\"", "\"a\\u200bb\"", "\"\"", "1", "null", "[\"ada\"]",
    ])
    func aNameThatHidesOrReordersIsRefused(_ name: String) throws {
        #expect(try fault("{\"sub\":\(name)}") == "token: subject")
        #expect(try fault("{\"client_id\":\(name)}") == "token: claim `client_id`")
        #expect(try fault("{\"jti\":\(name)}") == "token: claim `jti`")
    }
}
