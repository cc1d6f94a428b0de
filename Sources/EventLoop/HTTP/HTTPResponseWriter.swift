import Glibc

/// Builds response heads in one buffer that is used again and again. Belongs to one loop.
struct HTTPResponseWriter {
    private(set) var bytes: [UInt8] = []
    private var dateSecond: Int = -1
    private var date: [UInt8] = []

    private static let common: [Int: [UInt8]] = makeStatusLines()

    enum Framing {
        /// `length` is nil where none may be sent (1xx, 204, 304).
        case length(Int?)
        case chunked
        case untilClose
    }

    init() {
        bytes.reserveCapacity(16 << 10)
    }

    /// False when a header could end its own line or is no header at all: nothing may be sent then.
    mutating func makeHead(
        status: Int, headers: [(name: String, value: String)], framing: Framing, closes: Bool
    ) -> Bool {
        bytes.removeAll(keepingCapacity: true)
        appendStatus(status)
        appendDate()
        for (name, value) in headers {
            guard appendHeader(name, value) else { return false }
        }
        switch framing {
        case .length(let length?):
            append("content-length: ")
            appendDecimal(length)
            append("\r\n")
        case .chunked: append("transfer-encoding: chunked\r\n")
        case .length(nil), .untilClose: break
        }
        append(closes ? "connection: close\r\n\r\n" : "\r\n")
        return true
    }

    mutating func append(body: [UInt8]) {
        bytes.append(contentsOf: body)
    }

    private mutating func append(_ text: StaticString) {
        unsafe bytes.append(
            contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func appendStatus(_ status: Int) {
        if let line = Self.common[status] {
            bytes.append(contentsOf: line)
        } else {
            append("HTTP/1.1 ")
            appendDecimal(min(max(status, 100), 999))
            append(" \r\n")
        }
    }

    /// The server's own fields are left out: two lengths in one answer would be smuggling.
    private mutating func appendHeader(_ name: String, _ value: String) -> Bool {
        let start = bytes.count
        bytes.append(contentsOf: name.utf8)
        let end = bytes.count
        guard end > start else { return false }
        for index in start..<end where !HTTPBytes.has(bytes[index], .token) { return false }
        if Self.isOwn(bytes, start..<end) {
            bytes.removeSubrange(start...)
            return true
        }
        append(": ")
        let valueStart = bytes.count
        bytes.append(contentsOf: value.utf8)
        for index in valueStart..<bytes.count where !HTTPBytes.isText(bytes[index]) {
            return false
        }
        append("\r\n")
        return true
    }

    private static func isOwn(_ bytes: [UInt8], _ name: Range<Int>) -> Bool {
        switch name.count {
        case 4: HTTPBytes.equalIgnoringCase(bytes, name, "date")
        case 10: HTTPBytes.equalIgnoringCase(bytes, name, "connection")
        case 14: HTTPBytes.equalIgnoringCase(bytes, name, "content-length")
        case 17: HTTPBytes.equalIgnoringCase(bytes, name, "transfer-encoding")
        default: false
        }
    }

    private mutating func appendDecimal(_ value: Int) {
        var digits = [20 of UInt8](repeating: 0)
        var index = 20
        var rest = max(0, value)
        repeat {
            index -= 1
            digits[index] = UInt8(truncatingIfNeeded: rest % 10) + 0x30
            rest /= 10
        } while rest > 0
        for position in index..<20 { bytes.append(digits[position]) }
    }

    private mutating func appendDate() {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME_COARSE, &time)
        if time.tv_sec != dateSecond {
            dateSecond = time.tv_sec
            date = Array("date: \(HTTPDate.text(secondsSinceEpoch: dateSecond))\r\n".utf8)
        }
        bytes.append(contentsOf: date)
    }

    private static func makeStatusLines() -> [Int: [UInt8]] {
        let phrases: [Int: String] = [
            100: "Continue", 200: "OK", 201: "Created", 202: "Accepted", 204: "No Content",
            301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified",
            307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request",
            401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
            406: "Not Acceptable", 408: "Request Timeout", 409: "Conflict", 410: "Gone",
            411: "Length Required", 413: "Content Too Large", 414: "URI Too Long",
            415: "Unsupported Media Type", 417: "Expectation Failed", 421: "Misdirected Request",
            422: "Unprocessable Content", 429: "Too Many Requests",
            431: "Request Header Fields Too Large", 500: "Internal Server Error",
            501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
            504: "Gateway Timeout", 505: "HTTP Version Not Supported",
        ]
        var lines: [Int: [UInt8]] = [:]
        for (status, phrase) in phrases {
            lines[status] = Array("HTTP/1.1 \(status) \(phrase)\r\n".utf8)
        }
        return lines
    }
}

/// IMF-fixdate, RFC 9110 section 5.6.7, without the locale and the lock of strftime.
enum HTTPDate {
    static func text(secondsSinceEpoch: Int) -> String {
        let days = secondsSinceEpoch / 86_400
        let second = secondsSinceEpoch % 86_400
        let (year, month, day) = civil(fromDays: days)
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        return "\(weekdays[days % 7]), \(two(day)) \(months[month - 1]) \(year) "
            + "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60)) GMT"
    }

    private static func two(_ number: Int) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }

    /// Proleptic Gregorian calendar, in eras of 400 years that begin on the first of March.
    private static func civil(fromDays days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month,
            dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        )
    }
}
