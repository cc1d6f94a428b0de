/// `METHOD SP target SP HTTP/1.x`, one space each. RFC 9112 section 3.
struct RequestLine {
    private(set) var method = ""
    private(set) var path = ""
    private(set) var query: String?
    private(set) var minorVersion = 1
    /// Host and port of an absolute-form target.
    private var authority: Range<Int>?

    init() {}

    /// Those that some resource may have.
    static let methods = ["POST", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"]
    /// Those that we know, and that none has.
    private static let refused = ["TRACE", "QUERY"]

    init(_ bytes: [UInt8], _ line: Range<Int>) throws(HTTPParseError) {
        guard let first = bytes[line].firstIndex(of: HTTPBytes.space), first > line.lowerBound,
            let last = bytes[line].lastIndex(of: HTTPBytes.space), last > first + 1
        else { throw .badRequestLine }
        let target = first + 1..<last
        for index in line.lowerBound..<first where !HTTPBytes.has(bytes[index], .token) {
            throw .badRequestLine
        }
        // The version first: what another version's target may look like is not ours to judge.
        minorVersion = try Self.version(bytes, last + 1..<line.upperBound)
        for index in target where !HTTPBytes.has(bytes[index], .target) { throw .badTarget }
        method = String(decoding: bytes[line.lowerBound..<first], as: UTF8.self)
        try parseTarget(bytes, target)
        // TRACE would echo credentials, CONNECT would make us a proxy; others are unknown here.
        guard Self.methods.contains(method) else {
            throw Self.refused.contains(method) ? .methodNotAllowed : .unsupportedMethod
        }
    }

    private static func version(
        _ bytes: [UInt8], _ range: Range<Int>
    ) throws(HTTPParseError) -> Int {
        let start = range.lowerBound
        guard range.count == 8, HTTPBytes.equal(bytes, start..<start + 5, "HTTP/") else {
            throw .badVersion
        }
        guard HTTPBytes.isDigit(bytes[start + 5]), bytes[start + 6] == 0x2e,
            HTTPBytes.isDigit(bytes[start + 7])
        else { throw .badVersion }
        guard bytes[start + 5] == 0x31 else { throw .unsupportedVersion }
        // RFC 9110 section 2.5: a higher minor version is answered as 1.1.
        return bytes[start + 7] == 0x30 ? 0 : 1
    }

    private mutating func parseTarget(
        _ bytes: [UInt8], _ target: Range<Int>
    ) throws(HTTPParseError) {
        if bytes[target.lowerBound] == 0x2f {  // "/"
            setPath(bytes, target)
        } else if method == "OPTIONS", target.count == 1, bytes[target.lowerBound] == 0x2a {
            path = "*"
        } else if method == "CONNECT" {
            throw .unsupportedMethod
        } else {
            try parseAbsolute(bytes, target)
        }
    }

    private mutating func parseAbsolute(
        _ bytes: [UInt8], _ target: Range<Int>
    ) throws(HTTPParseError) {
        var start = target.lowerBound
        for scheme: StaticString in ["http://", "https://"] {
            let end = target.lowerBound + scheme.utf8CodeUnitCount
            if end < target.upperBound,
                HTTPBytes.equalIgnoringCase(bytes, target.lowerBound..<end, scheme)
            {
                start = end
            }
        }
        guard start > target.lowerBound else { throw .badTarget }
        let delimiters: Set<UInt8> = [0x2f, 0x3f]  // "/" "?"
        let end =
            bytes[start..<target.upperBound].firstIndex(where: delimiters.contains)
            ?? target.upperBound
        // checkHost compares it with Host, and Host's syntax has no place for user information.
        authority = start..<end
        setPath(bytes, end..<target.upperBound)
        if path.isEmpty { path = "/" }
    }

    private mutating func setPath(_ bytes: [UInt8], _ range: Range<Int>) {
        let mark = bytes[range].firstIndex(of: 0x3f)  // "?"
        path = String(decoding: bytes[range.lowerBound..<(mark ?? range.upperBound)], as: UTF8.self)
        query = mark.map { String(decoding: bytes[$0 + 1..<range.upperBound], as: UTF8.self) }
    }

    /// RFC 9112 section 3.2: exactly one valid Host in 1.1. A target that names another host is
    /// refused instead of winning over Host, so that a check of Host is a check of both.
    func checkHost(_ bytes: [UInt8], _ fields: FieldSection) throws(HTTPParseError) {
        guard let host = fields.host else {
            if minorVersion == 0, authority == nil { return }
            throw .badHost
        }
        guard Self.isHost(bytes, host) else { throw .badHost }
        if let authority, !HTTPBytes.equalIgnoringCase(bytes, authority, host) {
            guard Self.isHost(bytes, authority) else { throw .badTarget }
            throw .misdirected
        }
    }

    /// `uri-host [ ":" port ]`, not empty.
    static func isHost(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        var index = range.lowerBound
        guard index < range.upperBound else { return false }
        if bytes[index] == 0x5b {  // "["
            guard let close = bytes[range].firstIndex(of: 0x5d), close > index + 2 else {
                return false
            }
            let isAddress = bytes[index + 1..<close].allSatisfy { byte in
                HTTPBytes.isDigit(byte) || (byte | 0x20) &- 0x61 < 6 || byte == HTTPBytes.colon
                    || byte == 0x2e
            }
            guard isAddress, bytes[index..<close].contains(HTTPBytes.colon) else { return false }
            index = close + 1
        } else {
            while index < range.upperBound, HTTPBytes.has(bytes[index], .host) { index += 1 }
            guard index > range.lowerBound else { return false }
        }
        if index == range.upperBound { return true }
        guard bytes[index] == HTTPBytes.colon else { return false }
        guard case .value(let port) = HTTPBytes.decimal(bytes, index + 1..<range.upperBound) else {
            return false
        }
        return port <= 65_535
    }
}
