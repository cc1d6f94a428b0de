import JSON
import TestSupport
import Testing

@testable import Enforcement

private let folder = "jwt"

/// Labelled tokens of an issuer, each with the key set and the clock that it is judged by.
@Test(.enabled(if: Corpora.has("\(folder)/tokens.jsonl"), Comment(rawValue: Corpora.absence)))
func theTokenCorpusIsJudgedAsItDemands() async throws {
    let configuration = try Corpora.document("\(folder)/config.json")
    let rows = try Corpora.lines("\(folder)/tokens.jsonl")
    #expect(!rows.isEmpty)
    for row in rows {
        let id = try #require(row["id"]?.string)
        let set = try #require(row["jwks"]?.string)
        let keys = try #require(IssuerKeys(Corpora.document("\(folder)/\(set)")))
        let issuers = TrustedIssuers([TokenVerifier(try rules(configuration), keys: keys)])
        let now = try #require((row["now"] ?? configuration["now"])?.int)
        let caller = try? await issuers.caller(of: try #require(row["token"]?.string), now: now)
        let verdict: JSONValue = caller == nil ? "reject" : "accept"
        #expect(verdict == row["expect"] || verdict == row["also_ok"], "\(id)")
        if let caller, let identity = row["identity"] {
            #expect(caller.subject == identity["user"]?.string, "\(id)")
            #expect(caller.email == identity["email"]?.string, "\(id)")
            let groups = JSONValue.array(caller.groups.map { .string($0.text) })
            #expect(groups == identity["groups"], "\(id)")
        }
    }
}

private func rules(_ configuration: JSONValue) throws -> IssuerRules {
    IssuerRules(
        issuer: try #require(configuration["issuer"]?.string),
        audience: try #require(configuration["audience"]?.string),
        algorithms: try #require(configuration["algorithms"]?.array).map { name in
            try #require(name.string.flatMap { SignatureAlgorithm.named($0) })
        },
        leewaySeconds: try #require(configuration["leeway_s"]?.int),
        lifetimeSecondsMax: try #require(configuration["max_lifetime_s"]?.int))
}
