/// The chunked transfer coding, RFC 9112 section 7.1: sizes without white space, sign or prefix,
/// extensions that follow the grammar, trailers that are checked and then thrown away. A trailer
/// is never merged into the header: it comes after every check of the header has been made.
struct ChunkedBody {
    enum State: Equatable {
        case size
        case data
        case dataEnd
        case trailers
        case end
    }

    private(set) var state = State.size
    private var line: [UInt8] = []
    private var remaining = 0
    private var extensionBytes = 0
    private var trailerBytes = 0
    private var sawReturn = false

    /// Takes what it can of one part; returns how many bytes that was.
    mutating func consume(
        _ input: Span<UInt8>, from start: Int, into body: inout [UInt8], _ limits: HTTPLimits
    ) throws(HTTPParseError) -> Int {
        switch state {
        case .size: return try consumeLine(input, start, limits, Self.endSize)
        case .trailers: return try consumeLine(input, start, limits, Self.endTrailer)
        case .dataEnd: return try consumeDataEnd(input[start])
        case .data:
            let count = min(remaining, input.count - start)
            unsafe input.extracting(start..<start + count).withUnsafeBufferPointer {
                unsafe body.append(contentsOf: $0)
            }
            remaining -= count
            if remaining == 0 { state = .dataEnd }
            return count
        case .end: return 0
        }
    }

    private mutating func consumeDataEnd(_ byte: UInt8) throws(HTTPParseError) -> Int {
        guard byte == (sawReturn ? HTTPBytes.lineFeed : HTTPBytes.carriageReturn) else {
            throw .badChunk
        }
        if sawReturn { state = .size }
        sawReturn.toggle()
        return 1
    }

    private mutating func consumeLine(
        _ input: Span<UInt8>, _ start: Int, _ limits: HTTPLimits,
        _ end: (inout ChunkedBody, HTTPLimits, Int) throws(HTTPParseError) -> Void
    ) throws(HTTPParseError) -> Int {
        var index = start
        while index < input.count {
            let byte = input[index]
            index += 1
            if byte == HTTPBytes.lineFeed, sawReturn {
                sawReturn = false
                try end(&self, limits, line.count)
                line.removeAll(keepingCapacity: true)
                return index - start
            }
            if sawReturn { throw .badChunk }
            if byte == HTTPBytes.carriageReturn {
                sawReturn = true
                continue
            }
            guard HTTPBytes.isText(byte) else { throw .badChunk }
            line.append(byte)
            try countByte(limits)
        }
        return index - start
    }

    /// Counted as they come, so that a line without an end is no way around the limits.
    private mutating func countByte(_ limits: HTTPLimits) throws(HTTPParseError) {
        if state == .trailers {
            trailerBytes += 1
            if trailerBytes > limits.trailerBytes { throw .headersTooLarge }
        } else {
            extensionBytes += 1
            if extensionBytes > limits.chunkExtensionBytes + limits.bodyBytes / 16 {
                throw .bodyTooLarge
            }
        }
    }

    private var received = 0

    private static func endSize(
        _ chunk: inout ChunkedBody, _ limits: HTTPLimits, _ length: Int
    ) throws(HTTPParseError) {
        var index = 0
        var size = 0
        while index < length, let digit = hexadecimal(chunk.line[index]) {
            let (scaled, over) = size.multipliedReportingOverflow(by: 16)
            if over || scaled > limits.bodyBytes { throw .bodyTooLarge }
            size = scaled + digit
            index += 1
        }
        guard index > 0, index <= 16 else { throw .badChunk }
        try checkExtensions(chunk.line, from: index)
        // The digits of honest chunks do not count against the allowance for extensions.
        chunk.extensionBytes -= index
        let (total, over) = chunk.received.addingReportingOverflow(size)
        if over || total > limits.bodyBytes { throw .bodyTooLarge }
        chunk.received = total
        chunk.remaining = size
        chunk.state = size == 0 ? .trailers : .data
    }

    private static func endTrailer(
        _ chunk: inout ChunkedBody, _ limits: HTTPLimits, _ length: Int
    ) throws(HTTPParseError) {
        if length == 0 {
            chunk.state = .end
            return
        }
        guard let colon = chunk.line.firstIndex(of: HTTPBytes.colon), colon > 0,
            chunk.line[..<colon].allSatisfy({ HTTPBytes.has($0, .token) })
        else { throw .badChunk }
    }

    /// `*( ";" token [ "=" ( token / quoted-string ) ] )`, without the white space that the
    /// grammar calls bad.
    private static func checkExtensions(
        _ line: [UInt8], from start: Int
    ) throws(HTTPParseError) {
        var index = start
        func skipToken() -> Bool {
            let first = index
            while index < line.count, HTTPBytes.has(line[index], .token) { index += 1 }
            return index > first
        }
        while index < line.count {
            guard line[index] == 0x3b else { throw .badChunk }  // ";"
            index += 1
            guard skipToken() else { throw .badChunk }
            guard index < line.count, line[index] == 0x3d else { continue }  // "="
            index += 1
            if index < line.count, line[index] == 0x22 {
                guard let close = endOfQuotes(line, from: index + 1) else { throw .badChunk }
                index = close + 1
            } else if !skipToken() {
                throw .badChunk
            }
        }
    }

    private static func endOfQuotes(_ line: [UInt8], from start: Int) -> Int? {
        var index = start
        while index < line.count {
            switch line[index] {
            case 0x22: return index
            case 0x5c: index += 2
            default: index += 1
            }
        }
        return nil
    }

    private static func hexadecimal(_ byte: UInt8) -> Int? {
        if HTTPBytes.isDigit(byte) { return Int(byte &- 0x30) }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? Int(letter) + 10 : nil
    }
}
