import Backends
import Enforcement
import EventLoop
import JSON
import TestSupport
import Testing

@testable import ToolServer

private func fixture(_ issuers: String) -> ManifestFixture {
    ManifestFixture(["server.json": "{\"server\": \"shop\", \"issuers\": [\n\(issuers)\n]}"])
}

private func issuer(_ text: String) throws -> ServerSettings.Issuer {
    try #require(try fixture(text).load().server.issuers.first)
}

@Test func anIssuerIsAskedAtItsURLUnlessItsKeysAreElsewhere() throws {
    let discovered = try issuer(#"{"issuer": "https://login.example.com/realm"}"#)
    guard case .discovery = discovered.keys else { throw ManifestError(problems: []) }
    #expect(
        IssuerDocuments.metadataPlaces(of: discovered.rules.issuer).map {
            "\($0.host):\($0.port)\($0.path)"
        } == [
            "login.example.com:443/realm/.well-known/openid-configuration",
            "login.example.com:443/.well-known/oauth-authorization-server/realm",
        ])
    #expect(
        IssuerDocuments.metadataPlaces(of: "http://localhost:8080/").map(\.path) == [
            "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server",
        ])
    let named = try issuer(#"{"issuer": "x", "jwks": {"url": "https://keys.example.com/k"}}"#)
    guard case .url(let url) = named.keys else { throw ManifestError(problems: []) }
    #expect(url.host == "keys.example.com")
}

@Test func anIssuerMayBeAskedAboutTokensThatSayNothing() throws {
    let asked = try issuer(
        """
        {"issuer": "https://login.example.com", "staleKeys": "2h", "networks": ["10.0.0.0/8"],
         "introspection": {"clientID": "shop", "secret": {"env": "SECRET"}, "keep": "30s"}}
        """)
    #expect(asked.introspection?.clientID == "shop")
    #expect(asked.introspection?.keptSeconds == 30)
    #expect(asked.introspection?.url == nil)
    #expect(asked.staleSeconds == 7_200)
    #expect(asked.networks == [NetworkRange("10.0.0.0/8")])
}

@Test(arguments: [
    (#"{"issuer": "http://login.example.com"}"#, "must be an https:// URL"),
    (#"{"issuer": "http://localhost.example.com"}"#, "must be an https:// URL"),
    (#"{"issuer": "login"}"#, "add `jwks`"),
    (#"{"issuer": "x", "jwks": {"url": "http://10.0.0.1/k"}}"#, "must be an https:// URL"),
    (#"{"issuer": "x", "jwks": {"url": "https://u@e.example/k"}}"#, "user name"),
    (#"{"issuer": "x", "jwks": {"url": "https://e.example/k", "file": "k"}}"#, "one of `file`"),
    (
        #"{"issuer": "https://e.example", "introspection": {"clientID": "a", "secret": "s"}}"#,
        "a secret must be a reference"
    ),
    (#"{"issuer": "https://e.example", "staleKeys": "48h"}"#, "must be from"),
    (#"{"issuer": "https://e.example", "networks": ["10.0.0.1/8"]}"#, "must be a network"),
    (
        """
        {"issuer": "https://a.example", "introspection": {"clientID": "a", "secret": {"env": "S"}}},
        {"issuer": "https://b.example", "introspection": {"clientID": "a", "secret": {"env": "S"}}}
        """, "is the second with `introspection`"
    ),
])
func anIssuerThatCannotBeTrustedIsAProblem(_ text: String, _ message: String) throws {
    let problems = try fixture(text).problems()
    #expect(problems.count == 1 && problems.first?.contains(message) == true, "\(problems)")
}

@Test func clientsAskForTheScopesThatAnIssuerDemands() throws {
    let server = try ManifestFixture([
        "server.json": """
        {"server": "shop", "http": {"resource": "https://tools.example/mcp", "scopes": ["openid"]},
         "issuers": [{"issuer": "https://login.example.com", "scopes": ["tools", "openid"]}]}
        """
    ]).load().server
    #expect(server.issuers.first?.rules.scopes == ["tools", "openid"])
    let resource = ProtectedResource(server)
    let scope = Refusal(.identityScope, "x")
    let answer = resource.unauthenticated(scope)
    #expect(answer.status == 403)
    let challenge = answer.headers.first { $0.name == "WWW-Authenticate" }?.value
    #expect(
        challenge
            == "Bearer realm=\"toolserver\", resource_metadata=\"https://tools.example/.well-known/oauth-protected-resource/mcp\", scope=\"openid tools\", error=\"insufficient_scope\""
    )
    // Whoever is not believed gets a 401, and no other code a 403.
    for code in Refusal.Code.allCases where code != .identityScope {
        #expect(resource.unauthenticated(Refusal(code, "x")).status != 403)
    }
}

// MARK: SAML

private func samlFixture(_ saml: String, pem: [UInt8]? = nil) -> ManifestFixture {
    let certificate = pem ?? TestAuthority().pem
    return ManifestFixture([
        "server.json": """
        {"server": "shop", "http": {"resource": "https://tools.example/mcp"}, "issuers": [
            {"issuer": "https://idp.example/saml", "saml": \(saml)}]}
        """, "idp.pem": String(decoding: certificate, as: UTF8.self),
    ])
}

@Test func aProviderOfAssertionsHasDefaultsThatAreSafe() throws {
    let server = try samlFixture(#"{"certificates": ["idp.pem"]}"#).load().server
    let issuer = try #require(server.issuers.first)
    let rules = try #require(issuer.assertions)
    #expect(rules.issuer.issuer == "https://idp.example/saml")
    #expect(rules.audience == "https://tools.example/mcp")
    #expect(rules.recipient == "https://tools.example/token")
    #expect(rules.tokenSeconds == 600)
    #expect(rules.groups == nil)
    #expect(rules.keys.count == 1)
    #expect(issuer.isInstallation)
    // Nobody signs in there by OAuth, and nobody mints its tokens by hand.
    #expect(server.localIssuer == nil)
}

@Test(arguments: [
    (#"{}"#, "missing key `certificates`"),
    (#"{"certificates": []}"#, "must not be empty"),
    (#"{"certificates": ["none.pem"]}"#, "does not exist"),
    (#"{"certificates": ["shop.sql"]}"#, "holds no PEM certificates"),
    (#"{"certificates": ["idp.pem"], "claims": {"sub": "uid"}}"#, "which this server sets itself"),
    (#"{"certificates": ["idp.pem"], "recipient": "token"}"#, "URL"),
    (#"{"certificates": ["idp.pem"], "token": "2h"}"#, "must be from"),
    (#"{"certificates": ["idp.pem"], "certificate": "x"}"#, "unknown key"),
])
func aProviderOfAssertionsThatCannotBeTrustedIsAProblem(
    _ saml: String, _ message: String
) throws {
    let problems = try samlFixture(saml).problems()
    #expect(problems.contains { $0.contains(message) }, "\(problems)")
}
