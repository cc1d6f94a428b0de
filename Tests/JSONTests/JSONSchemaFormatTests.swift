import JSON
import Testing

@Test func whatAFormatWantsIsSaid() throws {
    #expect(
        try violations(##"{"format":"date"}"##, #""28.07.2026""#) == [
            " must be a date such as `2026-07-28`"
        ])
    #expect(
        try violations(##"{"format":"int32"}"##, "2147483648") == [
            " must be a whole number of 32 bits"
        ])
    #expect(try violations(##"{"format":"email"}"##, "1").isEmpty)
    #expect(try violations(##"{"format":"int32"}"##, #""1""#).isEmpty)
}

@Test func aFormatThatNobodyKnowsIsAnError() throws {
    #expect(
        try schemaError(##"{"format":"datetime"}"##)
            == "/format is not a known format; did you mean `date-time`?")
    #expect(try schemaError(##"{"format":"shoe-size"}"##) == "/format is not a known format")
}

@Test func boundsOfWholeNumbersAreExact() throws {
    let cases: [(format: String, inside: [String], outside: [String])] = [
        (
            "int64", ["9223372036854775807", "-9223372036854775808", "1e2", "1.0"],
            ["9223372036854775808", "-9223372036854775809", "1.5", "1e30"]
        ),
        ("uint8", ["0", "255", "-0"], ["256", "-1", "0.5"]),
        ("uint64", ["18446744073709551615"], ["18446744073709551616"]),
    ]
    for (format, inside, outside) in cases {
        let schema = ##"{"format":"\##(format)"}"##
        for number in inside { #expect(try violations(schema, number).isEmpty, "\(number)") }
        for number in outside { #expect(try !violations(schema, number).isEmpty, "\(number)") }
    }
}

@Test func formatsAreReadToTheLetter() throws {
    let cases: [(format: String, right: [String], wrong: [String])] = [
        (
            "date-time", ["1990-12-31T23:59:60Z", "1990-12-31t15:59:60.5-08:00"],
            [
                "1990-12-31T23:58:60Z", "2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z",
                "2026-01-01 00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z",
            ]
        ),
        (
            "duration", ["P1Y2M3DT4H5M6S", "P4W", "PT36H"],
            ["P", "PT", "P1Y3D", "P1D2Y", "P1W2D", "1D", "PT1D", "P1"]
        ),
        (
            "email",
            ["a.b+c@example.com", #"\"a b\"@example.com"#, "a@[192.0.2.1]", "a@[IPv6:::1]"],
            ["a", "@b", "a@", "a..b@c", ".a@c", "a@b_c", "a@-b", "a@[1.2.3]", "a b@c"]
        ),
        (
            "hostname", ["a", "a-b.example", "xn--nxasmq6b", "123"],
            ["", "-a", "a-", "a..b", "a_b", "a.", "xn--", "ab--cd", "\u{e9}.example"]
        ),
        ("ipv4", ["0.0.0.0", "255.255.255.255"], ["256.0.0.1", "01.2.3.4", "1.2.3", "1.2.3.4.5"]),
        (
            "ipv6", ["::", "::1", "1::", "1:2:3:4:5:6:7::", "::ffff:192.0.2.1"],
            [
                ":", ":::", "1::2::3", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7", "12345::", "::1%eth0",
                ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:",
            ]
        ),
        (
            "uri", ["https://a.example:8080/b?c#d", "urn:a:b", "mailto:a@b", "http://[::1]/"],
            [
                "//a", "a", "http://a b", "http://[::1", "http://a:b", "1a:b", "http://a/%zz",
                "http://a\\\\b",
            ]
        ),
        (
            "uri-reference", ["", "/a", "//a/b", "?a", "#a", "a/b:c"],
            ["a b", "1:b", "#a#b", "<a>"]
        ),
        ("iri", ["https://\u{fc}.example/\u{e4}"], ["https://a/\u{e000}", "\u{fc}"]),
        (
            "uri-template", ["/a/{b}", "{+c*}{?d,e:3}", "o'neil"],
            ["{", "{a", "a}", "{a:0}", "{}", "{-a}"]
        ),
        (
            "uuid", ["2EB8AA08-aa98-11ea-b4aa-73b441d16380"],
            ["2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4aa-73b441d1638g"]
        ),
        ("json-pointer", ["", "/a~1b/0", "/"], ["a", "/~", "/~2"]),
        ("relative-json-pointer", ["0", "10/a", "1#"], ["", "/a", "01/a", "-1", "1##"]),
        (
            "regex", ["a(?=b)", #"(?<x>a)\\k<x>\\1"#, "(?<!a)b", #"\\p{L}"#],
            ["(", "[a", "*", #"\\Z"#]
        ),
    ]
    for (format, right, wrong) in cases {
        let schema = ##"{"format":"\##(format)"}"##
        for text in right {
            #expect(try violations(schema, "\"\(text)\"").isEmpty, "\(format) \(text)")
        }
        for text in wrong {
            #expect(try !violations(schema, "\"\(text)\"").isEmpty, "\(format) \(text)")
        }
    }
}
