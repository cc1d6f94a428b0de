import Enforcement
import JSON
import Testing

@testable import Backends

/// One place in a request, and what becomes of a value in it.
@Suite struct RequestMakerTests {
    private static let options = HTTPOptions(
        name: "api",
        base: .init(
            isSecure: true, host: HostTemplate([.literal("api"), .literal("example")]), port: 443,
            path: ["v1"]),
        egress: EgressRules(hosts: [.exact("api.example")], ports: [443]))

    private static func request(
        _ operation: HTTPOperation, _ x: JSONValue?
    ) throws(BackendError) -> OutboundRequest {
        try RequestMaker(options: options).request(
            operation, JSONObject(distinct: x.map { [("x", $0)] } ?? []))
    }

    private static func get(
        _ segments: [PathTemplate.Segment], query: [NamedTemplate] = [],
        headers: [NamedTemplate] = []
    ) -> HTTPOperation {
        HTTPOperation(
            method: "GET", target: .path(PathTemplate(segments)), query: query, headers: headers)
    }

    private static let one = get([.one(TextTemplate([.literal("c")])), .one(value)])
    private static let several = get([.several("x")])
    private static let value = TextTemplate([.value("x")])

    @Test(arguments: [
        ("42", "42"), ("a b", "a%20b"), ("100%", "100%25"), ("...", "..."), ("a;b", "a%3Bb"),
        ("\u{1F642}", "%F0%9F%99%82"), ("%E0%A4%A", "%25E0%25A4%25A"), ("{y}", "%7By%7D"),
        ("a?b#c&d=e+f", "a%3Fb%23c%26d%3De%2Bf"), (".hidden", ".hidden"), ("a.b", "a.b"),
    ])
    func aPathValueStaysOneSegment(_ text: String, _ encoded: String) throws {
        #expect(try Self.request(Self.one, .string(text)).target == "/v1/c/\(encoded)")
    }

    @Test(arguments: [
        "", " ", ".", "..", "../a", "a/b", "/a", "a\\b", "%2e%2e", ".%2e", "%252e%252e", "%2f",
        "..;x",
        "%c0%ae%c0%ae", "\u{FF0E}\u{FF0E}", "\u{2025}", "..\u{2215}a", "a\u{0}", "a\r\nb",
        "a\u{7F}",
        "a\u{200B}b", "a\u{2028}b", "\u{FEFF}", "a\u{AD}", "%u002e%u002e", ".. ", "..\u{A0}",
        "\u{3002}\u{3002}", "a\u{FF0F}b", "%255c", "a%00b", "a%250d%250ab",
        String(repeating: "x", count: 9_000),
    ])
    func aPathValueThatSomeServerReadsDifferentlyIsRefused(_ text: String) {
        #expect(throws: BackendError.self, "\(text)") {
            try Self.request(Self.one, .string(text))
        }
    }

    @Test func aPathTakesScalarsInDecimal() throws {
        let cases: [(JSONValue, String)] = [
            (42, "42"), (.number(JSONNumber(validated: "1e3")), "1000"),
            (.number(JSONNumber(validated: "-1.50E-2")), "-0.015"), (true, "true"),
        ]
        for (value, text) in cases {
            #expect(try Self.request(Self.one, value).target == "/v1/c/\(text)")
        }
        for value: JSONValue? in [
            nil, .null, [1], [:], .number(JSONNumber(validated: "1e400")),
        ] {
            #expect(throws: BackendError.self) { try Self.request(Self.one, value) }
        }
    }

    @Test func twoHarmlessValuesMakeNoDotsTogether() {
        let pair = Self.get([.one(TextTemplate([.value("x"), .literal("."), .value("x")]))])
        #expect(throws: BackendError.self) { try Self.request(pair, ".") }
        let mixed = Self.get([.one(TextTemplate([.literal("."), .value("x")]))])
        #expect(throws: BackendError.self) { try Self.request(mixed, ".") }
    }

    @Test(arguments: [("a/b", "a/b"), ("a b/c", "a%20b/c"), ("Docs/x:y", "Docs/x%3Ay")])
    func severalSegmentsMayBePlain(_ text: String, _ encoded: String) throws {
        #expect(try Self.request(Self.several, .string(text)).target == "/v1/\(encoded)")
    }

    @Test(arguments: [
        "", "/a", "//a", "a//b", "a/", "a/../b", "a/./b", "a%2fb", "a%20b", "a;b", "a/..;/b", "a?b",
        "a#b", "a\\b", "a./b", "a /b", " a", "a/\u{FF41}", "a\u{0}b", "a/%u0061",
    ])
    func severalSegmentsAreRefusedWhereTheyAreNotPlain(_ text: String) {
        #expect(throws: BackendError.self, "\(text)") {
            try Self.request(Self.several, .string(text))
        }
    }

    @Test(arguments: [
        ("a+b", "a%2Bb"), ("x;y=1&z", "x%3By%3D1%26z"), ("../..", "..%2F.."), ("", ""),
        ("\u{43A}", "%D0%BA"), ("a\nb", "a%0Ab"), ("%26", "%2526"),
    ])
    func aQueryValueIsDataAlone(_ text: String, _ encoded: String) throws {
        let operation = Self.get([], query: [NamedTemplate("q", Self.value)])
        #expect(try Self.request(operation, .string(text)).target == "/v1?q=\(encoded)")
    }

    @Test func whatIsMissingLeavesItsParameterAndHeaderOut() throws {
        let operation = Self.get(
            [],
            query: [
                NamedTemplate("q", Self.value), NamedTemplate("z", TextTemplate([.literal("1")])),
            ],
            headers: [NamedTemplate("X-Tag", Self.value)])
        for missing: JSONValue? in [nil, .null] {
            let request = try Self.request(operation, missing)
            #expect(request.target == "/v1?z=1")
            #expect(request.headers.isEmpty)
        }
    }

    @Test func aHeaderTakesVisibleASCIIAlone() throws {
        let operation = Self.get([], headers: [NamedTemplate("X-Tag", Self.value)])
        for text in ["run-42", "a b", "a\"b;c", "{y}"] {
            #expect(try Self.request(operation, .string(text)).headers.first?.value == text)
        }
        for text in [
            "", " a", "a ", "a\r\nX: 1", "a\nb", "a\rb", "a\u{0}", "a\tb", "\u{E4}",
            "\u{10D}\u{10A}",
            "\u{560A}", String(repeating: "x", count: 5_000),
        ] {
            #expect(throws: BackendError.self, "\(text)") {
                try Self.request(operation, .string(text))
            }
        }
    }

    @Test func aJSONBodyTakesValuesOfTheirOwnType() throws {
        let operation = HTTPOperation(
            method: "POST", target: .path(PathTemplate([])),
            body: .json(
                .object([
                    ("x", .value("x")), ("by", .literal("agent")), ("t", .text(Self.value)),
                    ("n", .value("absent")),
                ])))
        func body(_ value: JSONValue) throws -> JSONValue {
            try JSONParser.parse(Self.request(operation, value).body ?? [])
        }
        #expect(try body("a\"b\\c\n") == ["x": "a\"b\\c\n", "by": "agent", "t": "a\"b\\c\n"])
        #expect(try body(7) == ["x": 7, "by": "agent", "t": "7"])
        let request = try Self.request(operation, 7)
        #expect(request.headers.first?.value == "application/json")
        #expect(throws: BackendError.self) { try Self.request(operation, ["a": 1]) }
    }

    @Test func aFormEncodesNamesAndValues() throws {
        let operation = HTTPOperation(
            method: "POST", target: .path(PathTemplate([])),
            body: .form([
                NamedTemplate("name", Self.value),
                NamedTemplate("role", TextTemplate([.literal("user")])),
            ]))
        let request = try Self.request(operation, "x=1;y & \u{FC}")
        let body = String(decoding: request.body ?? [], as: UTF8.self)
        #expect(body == "name=x%3D1%3By%20%26%20%C3%BC&role=user")
        #expect(request.headers.first?.value == "application/x-www-form-urlencoded")
    }

    @Test func aHostTakesOneLabel() throws {
        let operation = HTTPOperation(
            method: "GET",
            target: .url(
                isSecure: true,
                host: HostTemplate([.value("x"), .literal("api"), .literal("example")]),
                port: 443, PathTemplate([])))
        #expect(try Self.request(operation, "acme-eu1").host == "acme-eu1.api.example")
        #expect(try Self.request(operation, "ACME").host == "acme.api.example")
        for text in [
            "", "a.b", "evil.example/", "a#", "a?", "a@b", "a:1", "-a", "a-", "a_b", "*",
            "\u{212A}",
            "xn--cme-5cd",
            "XN--cme-5cd", "a\u{3002}b", "\u{430}", "a b", String(repeating: "x", count: 64),
        ] {
            #expect(throws: BackendError.self, "\(text)") {
                try Self.request(operation, .string(text))
            }
        }
    }

    @Test func aGivenURLIsSentAsItWasRead() throws {
        let operation = HTTPOperation(method: "GET", target: .given("x"))
        func url(_ text: String) throws -> String { try Self.request(operation, .string(text)).url }
        #expect(
            try url("HTTPS://A.example.:443/x%20y?a=b%26c;d#e")
                == "https://a.example/x%20y?a=b%26c%3Bd")
        #expect(try url("http://a.example:8080") == "http://a.example:8080/")
        for text in [
            "https://a.example/../x", "https://a.example/%2e%2e/x", "https://a.example/%252e%252e",
            "https://a.example/a%00", "https://a.example/..%5cx", "https://a.example/.;/x",
        ] { #expect(throws: BackendError.self, "\(text)") { try url(text) } }
    }
}
