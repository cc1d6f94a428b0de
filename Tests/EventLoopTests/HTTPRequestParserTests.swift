import Testing

@testable import EventLoop

@Suite struct HTTPRequestParserTests {
    /// What one run over some bytes gave: requests as text, then the refusal, if any.
    struct Outcome: Equatable {
        var requests: [String] = []
        var refusal: HTTPParseError?
        var isWaiting = false
    }

    static func parse(
        _ bytes: [UInt8], cuts: [Int] = [], limits: HTTPLimits = HTTPLimits()
    ) -> Outcome {
        var parser = HTTPRequestParser(limits: limits)
        var outcome = Outcome()
        var start = 0
        for end in cuts + [bytes.count] {
            var piece = Array(bytes[start..<end])
            start = end
            while !piece.isEmpty {
                do throws(HTTPParseError) {
                    let used = try parser.consume(piece.span)
                    piece.removeFirst(used)
                } catch {
                    outcome.refusal = error
                    return outcome
                }
                if parser.isComplete {
                    let closes = parser.closesAfterwards
                    let request = parser.take(from: HTTPPeer())
                    let headers = request.headers.pairs.map { "\($0.name)=\($0.value)" }
                    let body = String(decoding: request.body, as: UTF8.self)
                    outcome.requests.append(
                        "\(request.method) \(request.path) \(request.query ?? "-") "
                            + "\(headers) \(body) \(closes)")
                    if closes { return outcome }
                }
            }
        }
        outcome.isWaiting = !parser.isIdle
        return outcome
    }

    static func parse(_ text: String, limits: HTTPLimits = HTTPLimits()) -> Outcome {
        parse(Array(text.utf8), limits: limits)
    }

    static func get(_ rest: String) -> String { "GET / HTTP/1.1\r\nHost: a\r\n" + rest + "\r\n" }
    static func post(_ fields: String, _ body: String) -> String {
        "POST /mcp HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body
    }

    @Test func aRequestIsReadWhole() {
        let outcome = Self.parse(
            "POST /mcp/%41?x=1?y HTTP/1.1\r\nHost: a.test:80\r\nX-A: \t v w \t\r\n"
                + "Content-Length: 5\r\n\r\nhello")
        #expect(
            outcome.requests == [
                "POST /mcp/%41 x=1?y "
                    + "[\"host=a.test:80\", \"x-a=v w\", \"content-length=5\"] hello false"
            ])
        #expect(outcome.refusal == nil && !outcome.isWaiting)
    }

    @Test func anySplitOfTheSameBytesEndsTheSameWay() {
        let streams = [
            "\r\n" + Self.get("X: 1\r\n") + Self.post("Content-Length: 3\r\n", "abc")
                + Self.get("Connection: x, Close\r\n") + Self.get(""),
            Self.post(
                "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n",
                "3;a=\"b;\"\r\nabc\r\n0A\r\n0123456789\r\n000\r\nX-T: 1\r\n\r\n") + Self.get(""),
            Self.get("A: b\r\n c\r\n"), Self.get("A: b\nC: d\r\n"), Self.get("A: b\r\rC\r\n"),
            Self.post("Transfer-Encoding: chunked\r\n", "3\r\nabcd\r\n0\r\n\r\n"),
            Self.post("Transfer-Encoding: chunked\r\n", "3 \r\nabc\r\n0\r\n\r\n"),
            Self.post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
            "GET /\u{e9} HTTP/1.1\r\n\r\n", "\r\n\r\nGET / HTTP/1.1\r\n\r\n", "\rGET / HTTP/1.1",
        ]
        for stream in streams {
            let bytes = Array(stream.utf8)
            let whole = Self.parse(bytes)
            for first in bytes.indices {
                #expect(Self.parse(bytes, cuts: [first]) == whole, "\(stream) cut at \(first)")
                let second = (first + bytes.count) / 2
                #expect(Self.parse(bytes, cuts: [first, second]) == whole)
            }
            #expect(Self.parse(bytes, cuts: Array(bytes.indices)) == whole, "\(stream) in bytes")
        }
    }

    @Test func limitsHoldForAnySplit() {
        var limits = HTTPLimits()
        limits.requestLineBytes = 30
        limits.fieldBytes = 40
        limits.headerBytes = 60
        limits.headerCount = 4
        limits.bodyBytes = 8
        let cases: [(String, HTTPParseError)] = [
            ("GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n", .requestLineTooLong),
            (Self.get("A: \(String(repeating: "a", count: 40))\r\n"), .headersTooLarge),
            (Self.get("A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n"), .headersTooLarge),
            (
                Self.get("A: aaaaaaaaaaaaaa\r\nB: aaaaaaaaaaaaaa\r\nC: aaaaaaaaaaaaaa\r\n"),
                .headersTooLarge
            ),
            (Self.post("Content-Length: 9\r\n", ""), .bodyTooLarge),
            (Self.post("Content-Length: 99999999999999999999\r\n", ""), .bodyTooLarge),
        ]
        for (text, refusal) in cases {
            let bytes = Array(text.utf8)
            for cuts in [[], Array(bytes.indices)] {
                #expect(Self.parse(bytes, cuts: cuts, limits: limits).refusal == refusal, "\(text)")
            }
        }
        let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:chunked\r\n\r\n"
        for body in ["9\r\n", "5\r\naaaaa\r\n4\r\n", "FFFFFFFFFFFFFFFFF\r\n"] {
            #expect(Self.parse(chunked + body, limits: limits).refusal == .bodyTooLarge, "\(body)")
        }
    }

    @Test(
        arguments: [
            ("GET  / HTTP/1.1\r\n", HTTPParseError.badTarget),
            ("GET / HTTP/1.1 \r\n", .badVersion), ("GET\t/\tHTTP/1.1\r\n", .badRequestLine),
            ("G(T / HTTP/1.1\r\n", .badRequestLine), ("GET /a#b HTTP/1.1\r\n", .badTarget),
            ("GET /\u{7f} HTTP/1.1\r\n", .badRequestLine), ("GET * HTTP/1.1\r\n", .badTarget),
            ("GET / HTTP/1,1\r\n", .badVersion), ("GET / http/1.1\r\n", .badVersion),
            ("PRI * HTTP/2.0\r\n", .unsupportedVersion), ("*1\r\n", .badRequestLine),
            ("CONNECT a:443 HTTP/1.1\r\n", .unsupportedMethod), ("\u{16}\u{3}", .badRequestLine),
            ("get / HTTP/1.1\r\n", .unsupportedMethod),
            ("TRACE / HTTP/1.1\r\n", .methodNotAllowed),
            ("QUERY / HTTP/1.1\r\n", .methodNotAllowed),
            ("GET ftp://a/ HTTP/1.1\r\n", .badTarget), ("\r\n\r\n", .badRequestLine),
        ])
    func hostileRequestLinesAreRefused(line: String, refusal: HTTPParseError) {
        #expect(Self.parse(line) == Outcome(refusal: refusal))
    }

    @Test(
        arguments: [
            "X : 1\r\n", "X\t: 1\r\n", " X: 1\r\n", "X: 1\r\n 2\r\n", "X: 1\n", "X: \u{0}\r\n",
            "X: \u{8}\r\n", "X\r\n", ": 1\r\n", "X(: 1\r\n", "X\u{e9}: 1\r\n", "X: 1\r\r\n",
            "X: y\rTransfer-Encoding: chunked\r\n", "Content-Type: a\r\ncontent-type: b\r\n",
            "Authorization: a\r\nAuthorization: a\r\n", "Origin: a\r\nOrigin: b\r\n",
        ])
    func hostileFieldsAreRefused(fields: String) {
        #expect(Self.parse(Self.get(fields)) == Outcome(refusal: .badHeader))
    }

    @Test(
        arguments: [
            "", "Host: a\r\nHost: a\r\n", "Host:\r\n", "Host: a/b\r\n", "Host: a b\r\n",
            "Host: a,b\r\n", "Host: [::1\r\n", "Host: [z::1]\r\n", "Host: a:70000\r\n",
            "Host: a:\r\n", "Host: u@a\r\n", "Host: http://a\r\n", "Host: a:1:2\r\n",
        ])
    func exactlyOneValidHostIsNeeded(host: String) {
        #expect(Self.parse("GET / HTTP/1.1\r\n\(host)\r\n") == Outcome(refusal: .badHost))
    }

    @Test func aTargetCannotNameAnotherHostThanHost() {
        #expect(Self.parse("GET http://A:1/x?y HTTP/1.1\r\nHost: a:1\r\n\r\n").requests.count == 1)
        let other = Self.parse("GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(other == Outcome(refusal: .misdirected))
        let user = Self.parse("GET http://u:p@a/x HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(user == Outcome(refusal: .badTarget))
    }

    @Test(
        arguments: [
            "Content-Length: -1", "Content-Length: +1", "Content-Length: 1,1", "Content-Length:",
            "Content-Length: 0x1", "Content-Length: 1 1", "Content-Length: \u{661}",
            "Content-Length: 1\r\nContent-Length: 1", "Content_Length: 1",
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer_Encoding: chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        ])
    func ambiguousLengthsAreRefused(fields: String) {
        let outcome = Self.parse(Self.post(fields + "\r\n", "0\r\n\r\nGET /x HTTP/1.1\r\n\r\n"))
        #expect(outcome == Outcome(refusal: .badFraming))
    }

    @Test(
        arguments: [
            "chunked, chunked", "gzip, chunked", "chunked, gzip", "identity", "chunkedx",
            "chunked;q=1", "\"chunked\"", ", chunked", "x\u{441}hunked", "",
        ])
    func theOnlyTransferCodingIsChunked(coding: String) {
        let outcome = Self.parse(Self.post("Transfer-Encoding: \(coding)\r\n", "0\r\n\r\n"))
        #expect(outcome == Outcome(refusal: .unsupportedCoding))
    }

    @Test func chunkedIsRefusedInOldVersions() {
        let text = "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        #expect(Self.parse(text) == Outcome(refusal: .badFraming))
    }

    @Test(
        arguments: [
            "0x3\r\nabc\r\n", "-3\r\n", "+3\r\n", " 3\r\n", "3 \r\n", "3\t\r\n", "\r\n", "g\r\n",
            "3\nabc", "3\rabc", "3;\r\n", "3;a=\r\n", "3;a=\"b\r\n", "3;a b\r\n", "3 ;a\r\n",
            "3;a\rb\r\n", "3\r\nabcd", "3\r\nabc\n", "3\r\nabc\rX", "00000000000000003\r\n",
            "0\r\nX Y: 1\r\n", "0\r\nX\r\n", "0\r\nX: 1\n", "0\r\n: 1\r\n", "\"3\"\r\n",
        ])
    func malformedChunksAreRefused(body: String) {
        let outcome = Self.parse(Self.post("Transfer-Encoding: chunked\r\n", body))
        #expect(outcome == Outcome(refusal: .badChunk))
    }

    @Test func trailersNeverReachTheRequest() {
        let text = Self.post(
            "Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\nAuthorization: Bearer x\r\n\r\n")
        let outcome = Self.parse(text)
        #expect(outcome.requests.count == 1)
        #expect(!outcome.requests.joined().contains("Bearer"))
    }

    @Test func endlessChunkOverheadIsRefused() {
        var limits = HTTPLimits()
        limits.bodyBytes = 1024
        limits.chunkExtensionBytes = 256
        let chunk = "1;a=\(String(repeating: "b", count: 60))\r\nx\r\n"
        let text = Self.post(
            "Transfer-Encoding: chunked\r\n", String(repeating: chunk, count: 100))
        #expect(Self.parse(text, limits: limits).refusal == .bodyTooLarge)
        limits.trailerBytes = 20
        let trailer = Self.post(
            "Transfer-Encoding: chunked\r\n", "0\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaa")
        #expect(Self.parse(trailer, limits: limits).refusal == .headersTooLarge)
    }

    @Test func namesWithUnderscoresAreDropped() {
        let outcome = Self.parse(Self.get("X_Forwarded_For: 1\r\nY: 2\r\n"))
        #expect(outcome.requests == ["GET / - [\"host=a\", \"y=2\"]  false"])
    }

    @Test func nothingIsReadAfterClose() {
        let outcome = Self.parse(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: x,\tCLOSE\r\n\r\n"
                + Self.get(""))
        #expect(outcome.requests.count == 1)
        #expect(Self.parse("GET / HTTP/1.0\r\n\r\n" + Self.get("")).requests.count == 1)
    }

    @Test func classesOfBytesAreThoseOfTheirGrammar() {
        let alphanumeric = Set(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
        for byte in UInt8.min...UInt8.max {
            func isOne(_ marks: String) -> Bool {
                alphanumeric.contains(byte) || marks.utf8.contains(byte)
            }
            #expect(HTTPBytes.has(byte, .token) == isOne("!#$%&'*+-.^_`|~"))
            #expect(HTTPBytes.has(byte, .target) == isOne("-._~:/?@!$&'()*+,;=%[]"))
            #expect(HTTPBytes.has(byte, .host) == isOne("-._~!$&'()*+;=%"))
        }
    }

    @Test func textEndsWhereAWalkByteByByteEndsIt() {
        func end(_ bytes: [UInt8], from start: Int, isLine: Bool) -> Int {
            bytes.indices.dropFirst(start).first { index in
                let isVisible = (0x20...0x7e).contains(bytes[index])
                return !(isVisible || !isLine && (bytes[index] == 9 || bytes[index] >= 0x80))
            } ?? bytes.count
        }
        // What stands beside a byte must not change how it is read: borrows go upwards.
        let neighbours: [UInt8] = [0x00, 0x09, 0x0d, 0x1f, 0x20, 0x21, 0x7e, 0x7f, 0x80, 0xff]
        for byte in UInt8.min...UInt8.max {
            for neighbour in neighbours {
                for place in 0..<18 {
                    var bytes = [UInt8](repeating: 0x61, count: 19)
                    bytes[place] = byte
                    bytes[place + 1] = neighbour
                    for isLine in [false, true] {
                        let found = HTTPBytes.endOfText(bytes.span, from: 1, isLine: isLine)
                        if found != end(bytes, from: 1, isLine: isLine) {
                            Issue.record("\(byte) before \(neighbour) at \(place): \(found)")
                        }
                    }
                }
            }
        }
    }
}
