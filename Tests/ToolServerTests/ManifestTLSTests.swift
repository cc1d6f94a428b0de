import EventLoop
import Foundation
import TestSupport
import Testing

@testable import ToolServer

/// `http.tls`: what it says, and what the files must be that it names.
@Suite struct ManifestTLSTests {
    private static func server(_ tls: String, _ http: String = "") -> String {
        #"{"server": "s", "http": {"# + http + #""tls": "# + tls + "}}"
    }

    private static func fixture(_ tls: String, _ http: String = "") -> ManifestFixture {
        ManifestFixture(["server.json": server(tls, http)])
    }

    private static let whole = #"{"certificate": "c.pem", "key": {"file": "k.pem"}}"#

    @Test(arguments: [
        (#"true"#, "1:33: http.tls: must be an object, not a boolean"),
        (
            #"{"certificate": "c.pem", "key": "-----BEGIN PRIVATE KEY-----"}"#,
            #"1:65: http.tls.key: a secret must be a reference: {"file": …}"#
        ),
        (
            #"{"certificate": "c.pem", "key": {"env": "KEY"}}"#,
            "1:66: http.tls.key.env: `env` is not served by this build; use `file`, which is read again with the certificate on a reload"
        ),
        (
            #"{"certificate": "c.pem", "key": {"file": "k"}, "clientCertificates": "required"}"#,
            "1:102: http.tls.clientCertificates: needs `clientCA`: the authorities that clients' certificates come from"
        ),
        (
            #"{"certificate": "c.pem", "key": {"file": "k"}, "clientCA": "a"}"#,
            "1:33: http.tls: `clientCA` needs `clientCertificates`: `optional` or `required`"
        ),
        (
            #"{"certificate": "c.pem", "key": {"file": "k"}, "clientCA": "a", "clientCertificates": "none"}"#,
            "1:119: http.tls.clientCertificates: asks for no certificates, so that `clientCA` has no use; leave it out"
        ),
    ])
    func whatCannotBeServedIsNamedExactly(_ tls: String, _ problem: String) throws {
        let problems = try Self.fixture(tls).problems()
        #expect(problems.contains("server.json:\(problem)"), "\(problems)")
    }

    @Test func whatIsServedOverTLSHasAnHTTPSAddress() throws {
        let clear = Self.fixture(Self.whole, #""resource": "http://localhost/mcp", "#)
        #expect(
            try clear.problems() == [
                "server.json:1:38: http.resource: must be an https:// URL, since `tls` serves nothing in clear"
            ])
        let catalog = try Self.fixture(Self.whole).load()
        #expect(catalog.server.http.resource == "https://localhost:7070/mcp")
    }

    @Test func listeningBeyondTheMachineWithTLSIsNoWarning() throws {
        let http = #""listen": "0.0.0.0:7070", "resource": "https://shop.example/mcp", "#
        #expect(try Self.fixture(Self.whole, http).warnings() == [])
    }

    /// The catalogue loads for whoever may not read the key; serving needs the files themselves.
    @Test func filesThatCannotBeUsedAreNamedWhereTheyStand() throws {
        let authority = TestAuthority()
        let one = authority.issue()
        let other = authority.issue()
        func problems(_ files: [String: [UInt8]], _ more: String = "") throws -> [String] {
            let tls = #"{"certificate": "c.pem", "key": {"file": "k.pem"}\#(more)}"#
            return try Self.fixture(tls).inDirectory { directory in
                for (name, bytes) in files {
                    try Data(bytes).write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
                }
                let catalog = try ManifestFixture.maker().load(directory: directory)
                do {
                    _ = try #require(catalog.server.http.tls).context()
                    return []
                } catch let error as ManifestError {
                    return error.problems.map {
                        $0.text.replacing("\(catalog.server.stateDirectory.dropLast(4))", with: "")
                    }
                }
            }
        }
        let right = ["c.pem": one.certificate, "k.pem": one.key]
        #expect(try problems(right) == [])
        #expect(
            try problems(["c.pem": one.certificate]) == [
                "server.json:1:65: http.tls.key: `k.pem` does not exist"
            ])
        #expect(
            try problems(right.merging(["k.pem": other.key]) { $1 }) == [
                "server.json:1:65: http.tls.key: the key does not belong to the first certificate of the file"
            ])
        let more = #", "clientCA": "a.pem", "clientCertificates": "required""#
        #expect(try problems(right.merging(["a.pem": authority.pem]) { $1 }, more) == [])
        #expect(
            try problems(right.merging(["a.pem": one.key]) { $1 }, more) == [
                "server.json:1:96: http.tls.clientCA: the file of authorities holds no PEM certificate that can be used"
            ])
    }
}
