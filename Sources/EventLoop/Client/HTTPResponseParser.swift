// HTTP/1.1 responses from bytes: a pure state machine, without sockets and without a clock.
//
// It answers: where does this response end, and is every byte before that allowed? As with
// requests, nothing is repaired and no length is guessed: what two readers could end in two places
// is refused, since the next response on the connection would then be another request's.

package struct HTTPResponseParser {
    /// What the other side may make us hold.
    package struct Limits: Sendable {
        package var headerBytes = 32 << 10
        package var headerCount = 100
        package var bodyBytes: Int
        /// Interim responses before the one that counts.
        package var interims = 8

        package init(bodyBytes: Int) { self.bodyBytes = bodyBytes }
    }

    private enum State: Equatable {
        case head
        case fixedBody(remaining: Int)
        case chunked
        /// To the end of the connection.
        case untilEnd
        case complete
    }

    private let limits: Limits
    /// A response to HEAD has no body, whatever its header says of one.
    private let isHead: Bool
    private var state = State.head
    private var head: [UInt8] = []
    /// How much of `head` has been looked through for its end.
    private var searched = 0
    private var parsed = FieldSection()
    private var status = 0
    private var minorVersion = 1
    private var interims = 0
    private var body: [UInt8] = []
    private var chunks = ChunkedBody()

    package init(limits: Limits, isHead: Bool) {
        self.limits = limits
        self.isHead = isHead
    }

    package var isComplete: Bool { state == .complete }
    /// Nothing of a response has come, not even an interim one.
    package var isUntouched: Bool { state == .head && head.isEmpty && interims == 0 }
    /// Whether the connection may carry another request after this.
    package private(set) var keepsConnection = false

    /// Takes bytes up to the end of the response, and says how many.
    package mutating func consume(_ input: Span<UInt8>) throws(HTTPParseError) -> Int {
        var index = 0
        while index < input.count, state != .complete {
            switch state {
            case .head: index += try consumeHead(input, from: index)
            case .fixedBody(let remaining):
                let count = min(remaining, input.count - index)
                append(input, index..<index + count)
                index += count
                state = count == remaining ? .complete : .fixedBody(remaining: remaining - count)
            case .chunked:
                index += try chunks.consume(input, from: index, into: &body, chunkLimits)
                if chunks.state == .end { state = .complete }
            case .untilEnd:
                guard body.count + input.count - index <= limits.bodyBytes else {
                    throw .bodyTooLarge
                }
                append(input, index..<input.count)
                index = input.count
            case .complete: break
            }
        }
        return index
    }

    /// The connection has ended; only a body without a length may end so.
    package mutating func end() throws(HTTPParseError) {
        guard state == .untilEnd || state == .complete else { throw .badFraming }
        state = .complete
    }

    package consuming func finish() -> HTTPClientResponse {
        precondition(isComplete, "a response was taken before its end")
        return HTTPClientResponse(
            status: status, headers: HTTPHeaders(bytes: head, fields: parsed.fields), body: body)
    }

    private var chunkLimits: HTTPLimits {
        var limits = HTTPLimits()
        limits.bodyBytes = self.limits.bodyBytes
        return limits
    }

    private mutating func append(_ input: Span<UInt8>, _ range: Range<Int>) {
        unsafe input.extracting(range).withUnsafeBufferPointer {
            unsafe body.append(contentsOf: $0)
        }
    }

    // MARK: The head

    private mutating func consumeHead(
        _ input: Span<UInt8>, from start: Int
    ) throws(HTTPParseError) -> Int {
        let room = limits.headerBytes + 4 - head.count
        let taken = min(room, input.count - start)
        let before = head.count
        unsafe input.extracting(start..<start + taken).withUnsafeBufferPointer {
            unsafe head.append(contentsOf: $0)
        }
        guard let end = endOfHead() else {
            if head.count > limits.headerBytes { throw .headersTooLarge }
            return taken
        }
        head.removeSubrange(end...)
        try parseHead()
        return end - before
    }

    /// Behind the empty line.
    private mutating func endOfHead() -> Int? {
        while searched + 4 <= head.count {
            if head[searched + 3] == HTTPBytes.lineFeed,
                head[searched..<searched + 4].elementsEqual([0x0d, 0x0a, 0x0d, 0x0a])
            {
                return searched + 4
            }
            searched += 1
        }
        return nil
    }

    private mutating func parseHead() throws(HTTPParseError) {
        let fieldsStart = try parseStatusLine()
        var lineStart = fieldsStart
        var count = 0
        while lineStart < head.count - 2 {
            let end = HTTPBytes.endOfText(head.span, from: lineStart, isLine: false)
            guard end + 1 < head.count, head[end] == HTTPBytes.carriageReturn,
                head[end + 1] == HTTPBytes.lineFeed
            else { throw .badHeader }
            lineStart = end + 2
            count += 1
            if count > limits.headerCount { throw .headersTooLarge }
        }
        parsed = try FieldSection(&head, fieldsStart..<head.count - 2, count)
        if status < 200 { return try skipInterim() }
        try chooseFraming()
    }

    /// `HTTP/1.1 200 OK`; returns where the fields begin.
    private mutating func parseStatusLine() throws(HTTPParseError) -> Int {
        let end = HTTPBytes.endOfText(head.span, from: 0, isLine: false)
        guard end >= 12, head[end] == HTTPBytes.carriageReturn,
            head[end + 1] == HTTPBytes.lineFeed, HTTPBytes.equal(head, 0..<7, "HTTP/1."),
            head[7] == 0x30 || head[7] == 0x31, head[8] == HTTPBytes.space,
            end == 12 || head[12] == HTTPBytes.space,
            case .value(let code) = HTTPBytes.decimal(head, 9..<12), (100...599).contains(code)
        else { throw .badVersion }
        minorVersion = Int(head[7] & 1)
        status = code
        return end + 2
    }

    private mutating func skipInterim() throws(HTTPParseError) {
        interims += 1
        // We never ask for another protocol, so nobody may switch to one.
        guard status != 101, interims <= limits.interims else { throw .badFraming }
        head.removeAll(keepingCapacity: true)
        searched = 0
        parsed = FieldSection()
    }

    private mutating func chooseFraming() throws(HTTPParseError) {
        keepsConnection = minorVersion == 1 && !parsed.wantsClose
        if isHead || status == 204 || status == 304 {
            state = .complete
        } else if parsed.isChunked {
            if minorVersion == 0 { throw .badFraming }
            state = .chunked
        } else if let length = parsed.contentLength {
            // Refused on what was declared, before a byte of it is stored.
            if length > limits.bodyBytes { throw .bodyTooLarge }
            body.reserveCapacity(length)
            state = length == 0 ? .complete : .fixedBody(remaining: length)
        } else {
            keepsConnection = false
            state = .untilEnd
        }
    }
}

package struct HTTPClientResponse: Sendable {
    package let status: Int
    package let headers: HTTPHeaders
    package let body: [UInt8]
}
