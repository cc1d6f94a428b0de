import Enforcement
import EventLoop
import Foundation
import JSON
import TestSupport
import Testing

@testable import ToolServer

@Suite final class TokenEndpointTests {
    private static let form = "application/x-www-form-urlencoded"
    private static let bearer = "urn:ietf:params:oauth:grant-type:saml2-bearer"
    private static let exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
    private static let saml = "urn:ietf:params:oauth:token-type:saml2"

    private let directory = FileManager.default.temporaryDirectory
        .appendingPathComponent("tokens-\(UUID().uuidString)").path
    private let idp: AssertionMint
    private let keys: InstallationKeys
    private let endpoint: TokenEndpoint
    private let sink = RecordingSink()
    private let state = MemoryState()

    init() throws {
        idp = try AssertionMint()
        let installation = Installation(directory: directory)
        try installation.prepare()
        let clock = idp.clock
        keys = try InstallationKeys(installation, now: { clock.now })
        endpoint = TokenEndpoint(
            exchange: AssertionExchange(
                [try idp.rules], store: state, sink: sink, now: { clock.now }),
            keys: keys, sink: sink, targets: ["https://tools.example/mcp", "shop"])
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    private func assertion(_ id: String = "_a1") throws -> String {
        AssertionMint.text(try idp.signed(idp.assertion(id: id), id: id))
    }

    private func answer(
        _ body: String, method: String = "POST", query: String? = nil,
        type: String = TokenEndpointTests.form
    ) async throws -> (status: Int, body: JSONValue, headers: [String]) {
        let answer = await endpoint.answer(
            HTTPRequest(
                method: method, path: "/token", query: query,
                headers: HTTPHeaders([("Content-Type", type)]), body: Array(body.utf8)))
        let parsed = (try? JSONParser.parse(answer.body)) ?? .null
        return (answer.status, parsed, answer.headers.map { "\($0.name): \($0.value)" })
    }

    private func fields(_ pairs: (String, String)...) -> String {
        pairs.map { "\($0.0)=\($0.1.replacingOccurrences(of: "=", with: "%3D"))" }
            .joined(separator: "&")
    }

    /// RFC 7522.
    @Test func anAssertionIsExchangedForATokenThatCounts() async throws {
        let answer = try await answer(
            fields(("grant_type", Self.bearer), ("assertion", assertion())))
        #expect(answer.status == 200)
        #expect(answer.headers.contains("Cache-Control: no-store"))
        #expect(answer.body["token_type"] == "Bearer")
        #expect(answer.body["expires_in"] == 600)
        #expect(answer.body["issued_token_type"] == nil)
        let token = try #require(answer.body["access_token"]?.string)
        let issuers = TrustedIssuers([TokenVerifier(try idp.rules.issuer, keys: keys)])
        let caller = try await issuers.caller(of: token, now: idp.clock.now)
        #expect(caller.issuer == AssertionMint.issuer)
        #expect(caller.subject == "ada")
        #expect(caller.groups == ["support", "staff"])
        #expect(caller.email == "ada@example.com")
    }

    /// RFC 8693.
    @Test func anAssertionIsASubjectToken() async throws {
        let answer = try await answer(
            fields(
                ("grant_type", Self.exchange), ("subject_token", assertion()),
                ("subject_token_type", Self.saml), ("resource", "https://tools.example/mcp"),
                ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token")))
        #expect(answer.status == 200)
        #expect(
            answer.body["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token")
    }

    @Test func whatIsAskedInAnotherWayIsRefused() async throws {
        let good = try assertion()
        let cases: [(String, String)] = [
            ("", "invalid_request"),
            (fields(("grant_type", "password")), "unsupported_grant_type"),
            (fields(("grant_type", Self.bearer)), "invalid_request"),
            (fields(("grant_type", Self.bearer), ("assertion", "")), "invalid_request"),
            (
                fields(("grant_type", Self.bearer), ("assertion", good), ("assertion", good)),
                "invalid_request"
            ),
            (
                fields(
                    ("grant_type", Self.bearer), ("grant_type", Self.bearer), ("assertion", good)),
                "invalid_request"
            ),
            (fields(("grant_type", Self.exchange), ("subject_token", good)), "invalid_request"),
            (
                fields(
                    ("grant_type", Self.exchange), ("subject_token", good),
                    ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt")),
                "invalid_request"
            ),
            (
                fields(
                    ("grant_type", Self.exchange), ("subject_token", good),
                    ("subject_token_type", Self.saml), ("actor_token", "x")), "invalid_request"
            ),
            (
                fields(
                    ("grant_type", Self.exchange), ("subject_token", good),
                    ("subject_token_type", Self.saml),
                    ("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")),
                "invalid_request"
            ),
            (
                fields(
                    ("grant_type", Self.exchange), ("subject_token", good),
                    ("subject_token_type", Self.saml), ("audience", "shop"),
                    ("resource", "https://other.example")), "invalid_target"
            ),
            (fields(("grant_type", Self.bearer), ("assertion", "%zz")), "invalid_request"),
            (fields(("grant_type", Self.bearer), ("assertion", "%ff")), "invalid_request"),
            (fields(("grant_type", Self.bearer), ("assertion", "x")), "invalid_grant"),
        ]
        for (body, error) in cases {
            let answer = try await answer(body)
            #expect(answer.status == 400, "\(body.prefix(80))")
            #expect(answer.body["error"] == .string(error), "\(body.prefix(80))")
        }
        let right = fields(("grant_type", Self.bearer), ("assertion", good))
        #expect(try await answer(right, query: "assertion=x").status == 400)
        #expect(try await answer(right, type: "application/json").status == 400)
        #expect(try await answer(right, method: "GET").status == 405)
        // None of these used it up.
        #expect(try await answer(right).status == 200)
    }

    /// The same bytes, whatever is wrong with an assertion.
    @Test func nobodyLearnsWhyAnAssertionIsNotGood() async throws {
        let good = try assertion()
        let forged = AssertionMint.text(try AssertionMint().signed(idp.assertion()))
        let late = AssertionMint.text(
            try idp.signed(idp.assertion(conditions: idp.conditions(until: -99))))
        let unknown = AssertionMint.text(
            try idp.signed(idp.assertion(issuer: "https://nobody.example")))
        _ = try await answer(fields(("grant_type", Self.bearer), ("assertion", good)))
        var answers: Set<String> = []
        for text in [good, forged, late, unknown, "x", "eA"] {
            let answer = try await answer(
                fields(("grant_type", Self.bearer), ("assertion", text)))
            answers.insert("\(answer.status) \(answer.body.text) \(answer.headers)")
        }
        #expect(answers.count == 1)
    }

    @Test func withoutTheStoreNothingIsHandedOut() async throws {
        state.fail(StateError(.unavailable, detail: "gone"))
        let answer = try await answer(
            fields(("grant_type", Self.bearer), ("assertion", assertion())))
        #expect(answer.status == 503)
        #expect(answer.body["access_token"] == nil)
    }

    @Test func theKeysArePublished() throws {
        let answer = try #require(
            endpoint.answer(
                withoutBody: HTTPRequest(
                    method: "GET", path: "/.well-known/jwks.json", headers: HTTPHeaders())))
        #expect(answer.status == 200)
        let keys = try JSONParser.parse(answer.body)["keys"]?.array
        #expect(keys?.count == 1)
        #expect(IssuerKeys(try JSONParser.parse(answer.body))?.count == 1)
    }

    @Test func aBodyThatIsTooLongIsNotRead() {
        let head = HTTPRequest(
            method: "POST", path: "/token",
            headers: HTTPHeaders([("Content-Length", String(FormFields.bytesMax + 1))]))
        #expect(endpoint.answer(withoutBody: head)?.status == 413)
    }
}
