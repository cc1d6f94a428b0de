import Enforcement
import EventLoop
import JSON
import TestSupport
import Testing

@testable import ToolServer

/// A connection remembers who spoke last; it must never take one caller for another.
@Suite struct IntroductionTests {
    private static func head(_ authorization: String?) -> HTTPRequest {
        let headers = authorization.map { [(name: "Authorization", value: $0)] } ?? []
        return HTTPRequest(method: "POST", path: "/mcp", headers: HTTPHeaders(headers))
    }

    private static func serving(_ fixture: GateFixture) -> Serving {
        Serving(
            gate: fixture.gate, description: ServerDescription(name: "test"),
            resource: MCPFixture.resource)
    }

    @Test func onlyTheSameWordsAreTheSameCaller() async throws {
        let fixture = try GateFixture()
        let serving = Self.serving(fixture)
        let caller = try await fixture.caller()
        let introduction = try #require(
            Introduction(of: caller, by: Self.head("Bearer abc"), to: serving))
        #expect(introduction.caller(of: Self.head("Bearer abc"), to: serving) != nil)
        for other in ["Bearer abd", "Bearer ab", "Bearer abcd", "bearer abc", nil] {
            #expect(introduction.caller(of: Self.head(other), to: serving) == nil)
        }
    }

    @Test func newRulesAskAnew() async throws {
        let fixture = try GateFixture()
        let caller = try await fixture.caller()
        let introduction = try #require(
            Introduction(of: caller, by: Self.head("Bearer abc"), to: Self.serving(fixture)))
        #expect(
            introduction.caller(of: Self.head("Bearer abc"), to: Self.serving(fixture)) == nil)
    }

    @Test func aProofThatRanOutIsNoIntroduction() async throws {
        let fixture = try GateFixture()
        let serving = Self.serving(fixture)
        let token = try fixture.mint.token { _ in }
        let caller = try await fixture.gate.identify(.bearer(token), at: "")
        let expires = try #require(caller.caller.expires)
        let head = Self.head("Bearer \(token)")
        let introduction = try #require(Introduction(of: caller, by: head, to: serving))
        #expect(introduction.caller(of: head, to: serving) != nil)
        fixture.clock.advance(by: expires - fixture.clock.now)
        #expect(introduction.caller(of: head, to: serving) == nil)
    }

    /// A certificate is the connection's; a request with words of its own is another's.
    @Test func aCertificateIsRememberedForRequestsWithoutWords() async throws {
        let fixture = try GateFixture()
        let serving = Self.serving(fixture)
        let caller = try await fixture.gate.identify(.certificate(fixture.certificate()), at: "")
        let introduction = try #require(
            Introduction(of: caller, by: Self.head(nil), to: serving))
        #expect(introduction.caller(of: Self.head(nil), to: serving) != nil)
        for other in ["", "Bearer abc", "Basic abc"] {
            #expect(introduction.caller(of: Self.head(other), to: serving) == nil)
        }
        #expect(Introduction(of: caller, by: Self.head("Bearer abc"), to: serving) == nil)
        fixture.clock.advance(by: 600)
        #expect(introduction.caller(of: Self.head(nil), to: serving) == nil)
    }

    @Test func whoSaysNothingIsNotRemembered() async throws {
        let fixture = try GateFixture()
        #expect(
            Introduction(
                of: try await fixture.caller(), by: Self.head(nil), to: Self.serving(fixture))
                == nil)
    }
}
