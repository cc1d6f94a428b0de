import Testing

@testable import EventLoop

@Suite struct HTTPResponseParserTests {
    private static func parsed(
        _ text: String, isHead: Bool = false, bodyBytes: Int = 1_000, pieces: Int = .max,
        ends: Bool = false
    ) throws -> HTTPClientResponse? {
        var parser = HTTPResponseParser(limits: .init(bodyBytes: bodyBytes), isHead: isHead)
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty, !parser.isComplete {
            let piece = Array(rest.prefix(pieces))
            let used = try parser.consume(piece.span)
            rest = rest.dropFirst(used)
            if used < piece.count { break }
        }
        if ends { try parser.end() }
        return parser.isComplete ? parser.finish() : nil
    }

    static let good: [(text: String, status: Int, body: String)] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"),
        ("HTTP/1.1 204\r\n\r\n", 204, ""),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\n\r\n",
            200, "hello"
        ),
        (
            "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 404 No\r\ncontent-length: 2\r\n\r\nno",
            404, "no"
        ),
    ]

    @Test(arguments: [1, 2, 7, .max])
    func anySplitOfTheBytesParsesTheSame(_ pieces: Int) throws {
        for sample in Self.good {
            let response = try #require(try Self.parsed(sample.text, pieces: pieces))
            #expect(response.status == sample.status)
            #expect(String(decoding: response.body, as: UTF8.self) == sample.body)
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: b\r\n\r\n", "HTTP/1.1 200 OK\r\nA: \u{1}\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 200OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 999 OK\r\n\r\n", "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 101 Switching\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    ])
    func whatTwoReadersCouldEndInTwoPlacesIsRefused(_ text: String) {
        for pieces in [1, 3, .max] {
            #expect(throws: HTTPParseError.self, "\(text)") {
                try Self.parsed(text, pieces: pieces)
            }
        }
    }

    @Test func limitsHoldBeforeTheEndComes() {
        let head = "HTTP/1.1 200 OK\r\nA: "
        let endless = head + String(repeating: "a", count: 40_000)
        let many = "HTTP/1.1 200 OK\r\n" + String(repeating: "a: b\r\n", count: 101) + "\r\n"
        let hints = String(repeating: "HTTP/1.1 103 E\r\n\r\n", count: 9)
        let open = "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "a", count: 1_001)
        for text in [endless, many, hints, open] {
            #expect(throws: HTTPParseError.self) { try Self.parsed(text) }
        }
    }

    @Test func onlyABodyWithoutALengthMayEndWithTheConnection() throws {
        let open = try Self.parsed("HTTP/1.1 200 OK\r\n\r\nhel", ends: true)
        #expect(open?.body == Array("hel".utf8))
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "HTTP/1.1 200 OK\r\nA: b\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        ] {
            #expect(throws: HTTPParseError.self, "\(text)") { try Self.parsed(text, ends: true) }
        }
    }

    @Test func aResponseToHeadHasNoBody() throws {
        let response = try Self.parsed(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", isHead: true)
        #expect(response?.body == [])
    }

    @Test func aConnectionIsKeptOnlyWhereItsNextResponseIsCertain() throws {
        func keeps(_ text: String) throws -> Bool {
            var parser = HTTPResponseParser(limits: .init(bodyBytes: 9), isHead: false)
            let bytes = Array(text.utf8)
            _ = try parser.consume(bytes.span)
            return parser.keepsConnection
        }
        #expect(try keeps("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
        #expect(try !keeps("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
        #expect(try !keeps("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"))
        #expect(try !keeps("HTTP/1.1 200 OK\r\n\r\n"))
    }
}
