import Enforcement
import Testing

@testable import Backends

@Suite struct HTTPURLTests {
    @Test(
        arguments: [
            ("https://api.example", "api.example", 443, "/", nil),
            ("HTTPS://API.Example:8443/a?b=c#d", "api.example", 8_443, "/a", "b=c"),
            ("http://api.example.:80/", "api.example", 80, "/", nil),
            ("http://192.0.2.1/x%20y", "192.0.2.1", 80, "/x%20y", nil),
            ("https://[2001:DB8::1]:1/?", "[2001:db8::1]", 1, "/", ""),
            ("https://[2001:0db8:0:0:0:0:0:1]/", "[2001:db8::1]", 443, "/", nil),
            ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "/", nil),
        ] as [(String, String, UInt16, String, String?)])
    func aPlainURLHasItsParts(
        _ text: String, _ host: String, _ port: UInt16, _ path: String, _ query: String?
    ) throws {
        let url = try HTTPURL(text)
        #expect(url.host == host && url.port == port && url.path == path && url.query == query)
        #expect(url.isSecure == text.lowercased().hasPrefix("https:"))
    }

    @Test(arguments: [
        "", "https:", "https:/a.example", "//a.example/", "ftp://a.example/", "https://",
        "https:///x", "https://u@a.example/", "https://u:p@a.example/", "https://a.example\\@b/",
        "https://b.example\\.a.example/", "https://a.example%2eb/", "https://a.example:/",
        "https://a.example:0/", "https://a.example:080/", "https://a.example:65536/",
        "https://a.example:80:80/", "https://a_b.example/", "https://-a.example/",
        "https://a..example/", "https://.example/", "https://\u{430}.example/",
        "https://a.example/\u{e4}", "https://a.example/a b", "https://a.example/\u{0}",
        "https://a.example/%", "https://a.example/%zz", "https://a.example/[x]", "https://[::1",
        "https://[::1%25eth0]/", "https://[1.2.3.4]/", "https://::1/", "https://[::1]x/",
        "http://0/", "http://127.1/", "http://2130706433/", "http://0x7f.0.0.1/",
        "http://0177.0.0.1/", "http://1.2.3.4.5/", "http://256.1.1.1/", "http://a.0x7f/",
        "http://1.2.3.04/", " https://a.example/", "https://a.example/\n", "javascript:alert(1)",
        "https://\(String(repeating: "a", count: 64)).example/",
        "https://a.example/\(String(repeating: "a", count: 5_000))",
    ])
    func whatParsersReadDifferentlyIsNone(_ text: String) {
        #expect(throws: HTTPURL.Failure.self, "\(text)") { try HTTPURL(text) }
    }
}

@Suite struct NetworkAddressTests {
    private func isGlobal(_ text: String) throws -> Bool {
        NetworkAddress.isGlobal(try #require(NetworkAddress.parsed(text), "\(text)"))
    }

    @Test(arguments: [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1",
        "127.255.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1",
        "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.9",
        "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1",
        "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::808:808", "64:ff9b:1::1", "100::1",
        "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fd12::1",
        "fe80::1", "fec0::1", "ff02::1",
    ])
    func noSpecialAddressIsGlobal(_ text: String) throws { #expect(try !isGlobal(text)) }

    @Test(arguments: [
        "1.1.1.1", "8.8.8.8", "93.184.215.14", "100.63.255.255", "100.128.0.1", "172.15.0.1",
        "172.32.0.1", "192.0.1.1", "198.17.0.1", "223.255.255.255", "2606:4700:4700::1111",
        "2a00:1450::1", "2001:4860:4860::8888",
    ])
    func publicAddressesAre(_ text: String) throws { #expect(try isGlobal(text)) }

    @Test func aNetworkHoldsItsAddressesAndNoOthers() throws {
        let network = try #require(NetworkRange("10.20.0.0/14"))
        #expect(network.contains([10, 23, 255, 255]))
        #expect(!network.contains([10, 24, 0, 0]))
        #expect(!network.contains([10, 19, 255, 255]))
        #expect(!network.contains(Array(repeating: 0, count: 16)))
        for text in ["10.0.0.1/8", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/+8", "x/8", "10.0.0.0/08"] {
            #expect(NetworkRange(text) == nil, "\(text)")
        }
        #expect(NetworkRange("0.0.0.0/0")?.contains([1, 2, 3, 4]) == true)
    }
}

@Suite struct EgressRulesTests {
    private let rules = EgressRules(
        hosts: [.exact("api.example"), .below("cdn.example"), .exact("10.0.0.5")], ports: [443],
        networks: [NetworkRange("192.168.0.0/16")].compactMap { $0 })

    private func verdict(_ host: String, in rules: EgressRules? = nil) -> EgressRules.Verdict {
        (rules ?? self.rules).verdict(host: host, port: 443, isSecure: true)
    }

    @Test func namedHostsAreAllowedAndLookAlikesAreNot() {
        for host in ["api.example", "a.cdn.example", "a.b.cdn.example", "10.0.0.5"] {
            #expect(verdict(host) == .named, "\(host)")
        }
        for host in [
            "cdn.example", "xcdn.example", "api.example.evil.example", "x.api.example", "10.0.0.6",
            "example",
        ] { #expect(verdict(host) == .refused, "\(host)") }
        #expect(rules.verdict(host: "api.example", port: 80, isSecure: false) == .refused)
        #expect(rules.verdict(host: "api.example", port: 8_443, isSecure: true) == .refused)
    }

    @Test func anyPublicNameMustResolveFirst() {
        let any = EgressRules(hosts: [.anyPublic], ports: [443])
        for host in ["example.org", "a.example", "1.1.1.1", "[2606:4700:4700::1111]"] {
            #expect(verdict(host, in: any) == .mustResolve, "\(host)")
        }
        for host in [
            "localhost", "x.localhost", "printer.local", "metadata.google.internal", "router",
            "kubernetes.default.svc", "a.svc.cluster", "xn--80ak6aa92e.example", "x.home.arpa",
        ] { #expect(verdict(host, in: any) == .refused, "\(host)") }
    }

    @Test func onlyWhatTheManifestNamesMayHaveALocalAddress() {
        #expect(rules.allows([10, 0, 0, 5], for: "10.0.0.5"))
        #expect(!rules.allows([10, 0, 0, 6], for: "10.0.0.5"))
        #expect(!rules.allows([10, 0, 0, 5], for: "api.example"))
        #expect(rules.allows([192, 168, 3, 4], for: "api.example"))
        #expect(!rules.allows([127, 0, 0, 1], for: "api.example"))
        let local = EgressRules(hosts: [.exact("localhost")], ports: [80])
        #expect(local.allows([127, 0, 0, 1], for: "localhost"))
        #expect(!local.allows([10, 0, 0, 1], for: "localhost"))
    }
}
