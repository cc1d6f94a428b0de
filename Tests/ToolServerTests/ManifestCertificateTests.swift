import Enforcement
import EventLoop
import Foundation
import JSON
import TestSupport
import Testing

@testable import ToolServer

/// `clients` of an issuer: what it says, and what it must not.
@Suite struct ManifestCertificateTests {
    private static let tls = """
        "tls": {"certificate": "c.pem", "key": {"file": "k.pem"}, "clientCA": "ca.pem", "clientCertificates": "optional"}
        """

    /// What `server.json` with this issuer says, or what is wrong with it.
    private static func load(
        _ callers: String, tls: String = tls, pem: [UInt8]? = nil, beside: String = ""
    ) throws -> (settings: ServerSettings?, problems: [String]) {
        let issuer = #"{"issuer": "workloads", "clients": {"ca": "ca.pem", "callers": "#
        let fixture = ManifestFixture([
            "server.json": #"{"server": "shop", "http": {\#(tls)}, "issuers": ["#
                + issuer + callers + "}}" + beside + "]}"
        ])
        return try fixture.inDirectory { directory in
            let file = URL(fileURLWithPath: "\(directory)/ca.pem")
            try Data(pem ?? TestAuthority().pem).write(to: file)
            do throws(ManifestError) {
                return (try ServerSettings.load(directory: directory), [])
            } catch {
                return (nil, error.problems.map(\.text))
            }
        }
    }

    private static func problems(
        _ callers: String, tls: String = tls, pem: [UInt8]? = nil, beside: String = ""
    ) throws -> [String] {
        try load(callers, tls: tls, pem: pem, beside: beside).problems
    }

    @Test func callersAreListedByOneNameOfTheirCertificates() throws {
        let callers = """
            [{"uri": "spiffe://example.org/nightly", "subject": "nightly", "groups": ["batch"], "claims": {"region": "eu"}},
             {"distinguishedName": "CN=ada,O=Example", "subject": "ada", "kind": "human"},
             {"address": "192.0.2.7", "subject": "gauge"}]
            """
        let settings = try #require(try Self.load(callers).settings)
        let issuer = try #require(settings.issuers.first)
        let clients = try #require(issuer.certificates)
        #expect(clients.issuer == "workloads" && clients.authorities.count == 1)
        #expect(!issuer.isSignIn && !issuer.isInstallation)
        let nightly = clients.members[.init(.uri, "spiffe://example.org/nightly".utf8)]
        #expect(nightly?.kind == .agent && nightly?.groups == ["batch"])
        #expect(nightly?.claims["region"]?.string == "eu")
        let ada = clients.members[.init(.distinguishedName, "CN=ada,O=Example".utf8)]
        #expect(ada?.kind == .human && ada?.subject == "ada")
        #expect(clients.members[.init(.address, [192, 0, 2, 7])]?.subject == "gauge")
        #expect(IdentitySources(settings).names == ["workloads"])
        // Nobody signs in there.
        let resource = ProtectedResource(settings)
        let path = "/.well-known/oauth-protected-resource"
        let body =
            resource.answer(.init(method: "GET", path: path, headers: HTTPHeaders()))?.body ?? []
        let text = String(decoding: body, as: UTF8.self)
        #expect(text.contains("resource") && !text.contains("workloads"))
    }

    @Test(arguments: [
        (#"[]"#, "must not be empty"),
        (#"[{"subject": "a"}]"#, "must have exactly one of"),
        (#"[{"uri": "u", "dns": "d", "subject": "a"}]"#, "must have exactly one of"),
        (#"[{"uri": "u", "subject": "a"}, {"uri": "u", "subject": "b"}]"#, "another caller has"),
        (#"[{"address": "one", "subject": "a"}]"#, "must be a numeric address"),
        (#"[{"uri": "u", "subject": "a", "kind": "robot"}]"#, "use one of"),
        (#"[{"uri": "u", "subject": "a", "claims": {"n": 1}}]"#, "must be a string"),
        (#"[{"ur": "u", "subject": "a"}]"#, "did you mean `uri`?"),
    ])
    func whatNamesNobodyForSureIsAProblem(_ callers: String, _ message: String) throws {
        let problems = try Self.problems(callers)
        #expect(problems.contains { $0.contains(message) }, "\(problems)")
    }

    private static let one = #"[{"uri": "u", "subject": "a"}]"#

    @Test func withoutTLSNobodyShowsACertificate() throws {
        let problems = try Self.problems(Self.one, tls: #""listen": "127.0.0.1:7070""#)
        #expect(problems.count == 1 && problems[0].contains("needs `http.tls` with `clientCA`"))
    }

    @Test func onlyAuthoritiesVouchForOthersAndEachForOneIssuer() throws {
        let leaf = TestAuthority().issue().certificate
        for pem in [leaf, TestAuthority().pem + leaf, [], TestAuthority().pem.dropLast(90) + []] {
            let problems = try Self.problems(Self.one, pem: pem)
            #expect(problems.count == 1 && problems[0].contains("of authorities"))
        }
        let beside = #", {"issuer": "more", "clients": {"ca": "ca.pem", "callers": \#(Self.one)}}"#
        let problems = try Self.problems(Self.one, beside: beside)
        #expect(problems.count == 1 && problems[0].contains("has an authority of `workloads`"))
    }
}
