/// The header fields of one request, and what they say about its length and its connection.
struct FieldSection {
    private(set) var fields: [HTTPHeaders.Field] = []
    private(set) var host: Range<Int>?
    private(set) var contentLength: Int?
    private(set) var isChunked = false
    private(set) var wantsClose = false
    private(set) var expectsContinue = false

    init() {}

    /// `range` holds `count` whole lines, whose bytes and line ends were checked on arrival.
    /// Names become lowercase where they stand.
    init(_ bytes: inout [UInt8], _ range: Range<Int>, _ count: Int) throws(HTTPParseError) {
        fields.reserveCapacity(count)
        var start = range.lowerBound
        while start < range.upperBound {
            let (colon, hasUnderscore) = try Self.endOfName(&bytes, start)
            let end = HTTPBytes.endOfText(bytes.span, from: colon + 1, isLine: false)
            let value = Self.trimmed(bytes, colon + 1..<end)
            try interpret(bytes, start..<colon, value)
            // CGI-like servers behind or before us read "_" as "-". Look-alikes of the fields that
            // decide where a message ends were refused.
            if !hasUnderscore {
                fields.append(
                    HTTPHeaders.Field(
                        nameStart: UInt32(start), nameEnd: UInt32(colon),
                        valueStart: UInt32(value.lowerBound), valueEnd: UInt32(value.upperBound)))
            }
            start = end + 2
        }
        // RFC 9112 section 6.1 lets a server choose; a request with both was made to be misread.
        if isChunked, contentLength != nil { throw .badFraming }
    }

    /// Index of the colon. A space before it, a folded line and a line without a colon all end
    /// here, since none of their bytes is a token character.
    private static func endOfName(
        _ bytes: inout [UInt8], _ start: Int
    ) throws(HTTPParseError) -> (colon: Int, hasUnderscore: Bool) {
        var index = start
        var hasUnderscore = false
        while bytes[index] != HTTPBytes.colon {
            let byte = bytes[index]
            guard HTTPBytes.has(byte, .token) else { throw .badHeader }
            if byte == 0x5f { hasUnderscore = true }
            let lowercased = HTTPBytes.lowercased(byte)
            if lowercased != byte { bytes[index] = lowercased }
            index += 1
        }
        guard index > start else { throw .badHeader }
        return (index, hasUnderscore)
    }

    static func trimmed(_ bytes: [UInt8], _ range: Range<Int>) -> Range<Int> {
        var lower = range.lowerBound
        var upper = range.upperBound
        while lower < upper, bytes[lower] == HTTPBytes.space || bytes[lower] == HTTPBytes.tab {
            lower += 1
        }
        while lower < upper,
            bytes[upper - 1] == HTTPBytes.space || bytes[upper - 1] == HTTPBytes.tab
        {
            upper -= 1
        }
        return lower..<upper
    }

    private mutating func interpret(
        _ bytes: [UInt8], _ name: Range<Int>, _ value: Range<Int>
    ) throws(HTTPParseError) {
        // By length first: most fields of most requests are none of these.
        switch name.count {
        case 4 where HTTPBytes.equal(bytes, name, "host"):
            if host != nil { throw .badHost }
            host = value
        case 6 where HTTPBytes.equal(bytes, name, "expect"):
            guard HTTPBytes.equalIgnoringCase(bytes, value, "100-continue") else {
                throw .expectationFailed
            }
            expectsContinue = true
        case 6 where HTTPBytes.equal(bytes, name, "origin"): try refuseSecond(bytes, name)
        case 10 where HTTPBytes.equal(bytes, name, "connection"):
            if Self.list(bytes, value, contains: "close") { wantsClose = true }
        case 12 where HTTPBytes.equal(bytes, name, "content-type"): try refuseSecond(bytes, name)
        case 13 where HTTPBytes.equal(bytes, name, "authorization"): try refuseSecond(bytes, name)
        case 14 where HTTPBytes.equal(bytes, name, "content-length"):
            try setContentLength(bytes, value)
        case 14 where HTTPBytes.equal(bytes, name, "content_length"): throw .badFraming
        case 17 where HTTPBytes.equal(bytes, name, "transfer-encoding"):
            try setTransferEncoding(bytes, value)
        case 17 where Self.isLookAlike(bytes, name): throw .badFraming
        default: break
        }
    }

    private static func isLookAlike(_ bytes: [UInt8], _ name: Range<Int>) -> Bool {
        HTTPBytes.equal(bytes, name, "transfer_encoding")
    }

    /// For fields of which two would let two readers see two values.
    private func refuseSecond(_ bytes: [UInt8], _ name: Range<Int>) throws(HTTPParseError) {
        for field in fields
        where field.name.count == name.count && bytes[field.name].elementsEqual(bytes[name]) {
            throw .badHeader
        }
    }

    private mutating func setContentLength(
        _ bytes: [UInt8], _ value: Range<Int>
    ) throws(HTTPParseError) {
        if contentLength != nil { throw .badFraming }
        switch HTTPBytes.decimal(bytes, value) {
        case .value(let length): contentLength = length
        case .tooLarge: throw .bodyTooLarge
        case .malformed: throw .badFraming
        }
    }

    /// Exactly `chunked`. Other codings are unknown here, and a list with an empty element or a
    /// parameter is read differently by different servers.
    private mutating func setTransferEncoding(
        _ bytes: [UInt8], _ value: Range<Int>
    ) throws(HTTPParseError) {
        if isChunked { throw .badFraming }
        guard HTTPBytes.equalIgnoringCase(bytes, value, "chunked") else {
            throw .unsupportedCoding
        }
        isChunked = true
    }

    private static func list(
        _ bytes: [UInt8], _ value: Range<Int>, contains token: StaticString
    ) -> Bool {
        var start = value.lowerBound
        while start <= value.upperBound {
            let end = bytes[start..<value.upperBound].firstIndex(of: 0x2c) ?? value.upperBound
            if HTTPBytes.equalIgnoringCase(bytes, trimmed(bytes, start..<end), token) {
                return true
            }
            start = end + 1
        }
        return false
    }
}
