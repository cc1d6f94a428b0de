// HTTP/1.1 requests from bytes: a pure state machine, without sockets and without a clock.
//
// It answers: where does this request end, and is every byte before that allowed? It must never
// repair (no folded lines, no bare CR or LF, no lists of lengths) and never guess a length: two
// readings of one request are how requests are smuggled. The head is checked byte by byte as it
// arrives, then parsed when it is complete; so any split of the same bytes ends the same way, and
// no byte is looked at again when the next one arrives (RFC 9112, and reliability rules on top).

package struct HTTPRequestParser {
    enum State: Equatable {
        /// Before the first byte of a request line; `true` after the one empty line we forgive.
        case idle(skippedLine: Bool)
        case requestLine
        case fields
        case fixedBody(remaining: Int)
        case chunked(ChunkedBody.State)
        case complete
    }

    /// Room for most heads at once, instead of growing line by line.
    private static let usualHeadBytes = 1 << 10

    private let limits: HTTPLimits
    private(set) var state = State.idle(skippedLine: false)
    /// Request line and fields as they came, CRLFs included.
    private var head: [UInt8] = []
    private var lineStart = 0
    private var fieldsStart = 0
    private var lineCount = 0
    private var line = RequestLine()
    private var parsed = FieldSection()
    private var body: [UInt8] = []
    private var chunks = ChunkedBody()

    package init(limits: HTTPLimits) {
        self.limits = limits
    }

    package var isComplete: Bool { state == .complete }

    /// No byte of the next request has arrived.
    package var isIdle: Bool {
        if case .idle = state { true } else { false }
    }

    package var isInBody: Bool {
        switch state {
        case .fixedBody, .chunked: true
        default: false
        }
    }

    /// The client holds its body back until it is told to go on.
    package var awaitsContinue: Bool { parsed.expectsContinue && isInBody && body.isEmpty }

    /// Whether a body is still to come that is longer than so many bytes, or of unknown length.
    package func awaitsBody(longerThan bytes: Int) -> Bool {
        guard isInBody else { return false }
        return parsed.contentLength.map { $0 > bytes } ?? true
    }

    /// What is still to come of a body of known length; nil where nobody knows.
    package var bodyBytesLeft: Int? {
        if case .fixedBody(let remaining) = state { remaining } else { nil }
    }

    package var closesAfterwards: Bool { parsed.wantsClose || line.minorVersion == 0 }
    package var minorVersion: Int { line.minorVersion }
    package var bodyCount: Int { body.count }
    /// What an unfinished request holds in memory.
    package var storedBytes: Int { head.count + body.count }

    /// Takes bytes up to the end of the request, and says how many. When it took fewer than it was
    /// given, the request is complete and the rest belongs to the next.
    package mutating func consume(_ input: Span<UInt8>) throws(HTTPParseError) -> Int {
        var index = 0
        while index < input.count {
            switch state {
            case .idle(let skippedLine):
                index += try skipEmptyLine(input, from: index, skippedLine: skippedLine)
            case .requestLine, .fields: index += try consumeHead(input, from: index)
            case .fixedBody(let remaining):
                let count = min(remaining, input.count - index)
                append(input, index..<index + count)
                index += count
                state = count == remaining ? .complete : .fixedBody(remaining: remaining - count)
            case .chunked:
                index += try chunks.consume(input, from: index, into: &body, limits)
                state = chunks.state == .end ? .complete : .chunked(chunks.state)
            case .complete: return index
            }
        }
        return index
    }

    /// The complete request; the parser is ready for the next one.
    package mutating func take(from peer: HTTPPeer) -> HTTPRequest {
        precondition(isComplete, "a request was taken before its end")
        let request = request(body, peer)
        reset()
        return request
    }

    /// The request without its body, which is still to come.
    package func withoutBody(from peer: HTTPPeer) -> HTTPRequest {
        precondition(isInBody, "a request was looked at before the end of its head")
        return request([], peer)
    }

    private func request(_ body: [UInt8], _ peer: HTTPPeer) -> HTTPRequest {
        HTTPRequest(
            method: line.method, path: line.path, query: line.query,
            headers: HTTPHeaders(bytes: head, fields: parsed.fields), body: body, peer: peer)
    }

    private mutating func reset() {
        state = .idle(skippedLine: false)
        head = []
        body = []
        lineStart = 0
        lineCount = 0
        line = RequestLine()
        parsed = FieldSection()
        chunks = ChunkedBody()
    }

    /// RFC 9112 section 2.2: one empty line before a request is forgiven, no more.
    private mutating func skipEmptyLine(
        _ input: Span<UInt8>, from start: Int, skippedLine: Bool
    ) throws(HTTPParseError) -> Int {
        let byte = input[start]
        if head.isEmpty {
            guard byte == HTTPBytes.carriageReturn else {
                state = .requestLine
                return 0
            }
            if skippedLine { throw .badRequestLine }
            head.append(byte)
            return 1
        }
        guard byte == HTTPBytes.lineFeed else { throw .badRequestLine }
        head.removeAll(keepingCapacity: true)
        state = .idle(skippedLine: true)
        return 1
    }

    // MARK: The head

    /// Copies up to the end of a line in one piece, when every byte before it is allowed.
    private mutating func consumeHead(
        _ input: Span<UInt8>, from start: Int
    ) throws(HTTPParseError) -> Int {
        let isFirstLine = state == .requestLine
        if head.isEmpty { head.reserveCapacity(min(input.count - start, Self.usualHeadBytes)) }
        var afterReturn = head.last == HTTPBytes.carriageReturn
        var index = start
        if !afterReturn {
            index = HTTPBytes.endOfText(input, from: start, isLine: isFirstLine)
            afterReturn = index < input.count && input[index] == HTTPBytes.carriageReturn
            if afterReturn { index += 1 }
            try checkLength(head.count + index - start, isFirstLine)
        }
        guard index < input.count else {
            append(toHead: input, start..<index)
            return index - start
        }
        // Bare CR, bare LF, NUL, other controls.
        guard afterReturn, input[index] == HTTPBytes.lineFeed else {
            throw isFirstLine ? .badRequestLine : .badHeader
        }
        index += 1
        append(toHead: input, start..<index)
        try endLine()
        return index - start
    }

    /// Before the end of the line has come: a line without one is no way around the limits.
    private func checkLength(_ count: Int, _ isFirstLine: Bool) throws(HTTPParseError) {
        let limit = isFirstLine ? limits.requestLineBytes : limits.fieldBytes
        if count - lineStart > limit + 2 {
            throw isFirstLine ? .requestLineTooLong : .headersTooLarge
        }
        if !isFirstLine, count - fieldsStart > limits.headerBytes + 2 { throw .headersTooLarge }
    }

    private mutating func endLine() throws(HTTPParseError) {
        let text = lineStart..<head.count - 2
        lineStart = head.count
        if state == .requestLine {
            // Judged now and not at the end of the head: another protocol may never send one.
            line = try RequestLine(head, text)
            fieldsStart = head.count
            state = .fields
            return
        }
        guard text.isEmpty else {
            lineCount += 1
            if lineCount > limits.headerCount { throw .headersTooLarge }
            return
        }
        parsed = try FieldSection(&head, fieldsStart..<text.lowerBound, lineCount)
        try line.checkHost(head, parsed)
        try chooseFraming()
    }

    private mutating func chooseFraming() throws(HTTPParseError) {
        if parsed.isChunked {
            // A 1.0 proxy would have passed the field on without understanding it.
            if line.minorVersion == 0 { throw .badFraming }
            state = .chunked(chunks.state)
        } else if let length = parsed.contentLength, length > 0 {
            // Refused on what was declared, before a byte of it is stored.
            if length > limits.bodyBytes { throw .bodyTooLarge }
            state = .fixedBody(remaining: length)
        } else {
            state = .complete
        }
    }

    private mutating func append(_ input: Span<UInt8>, _ range: Range<Int>) {
        unsafe input.extracting(range).withUnsafeBufferPointer {
            unsafe body.append(contentsOf: $0)
        }
    }

    private mutating func append(toHead input: Span<UInt8>, _ range: Range<Int>) {
        unsafe input.extracting(range).withUnsafeBufferPointer {
            unsafe head.append(contentsOf: $0)
        }
    }
}
