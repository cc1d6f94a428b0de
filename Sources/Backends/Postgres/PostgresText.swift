internal import JSON

/// A statement as the server takes it: `$1` where the manifest has `:name`.
///
/// Follows PostgreSQL's lexical rules (`scan.l`), so that nothing inside a string, a quoted name, a
/// dollar quote or a comment is taken for a parameter, and nothing outside is missed. It never puts
/// a value into the text.
struct PostgresText {
    /// Why a text cannot be taken; for the operator.
    struct Fault: Error {
        let message: String
    }

    static let commentDepthMax = 32
    static let parameterCountMax = 1_000

    private(set) var text = ""
    /// By their first place; `$1` is the first.
    private(set) var parameters: [Name] = []
    /// Names without quotes in lower case, key words among them.
    private(set) var words: [Name] = []

    private let source: [UInt8]
    private var position = 0
    private var output: [UInt8] = []

    init(_ statement: String) throws(Fault) {
        source = Array(statement.utf8)
        output.reserveCapacity(source.count + 16)
        while position < source.count { try scan() }
        text = String(decoding: output, as: UTF8.self)
        output = []
    }

    /// A caller's own statement, whose parameters are `$1`, `$2`, … already.
    init(asItIs statement: String) {
        source = []
        text = statement
    }

    private func byte(at offset: Int) -> UInt8 {
        position + offset < source.count ? source[position + offset] : 0
    }

    private mutating func take(_ count: Int = 1) {
        let end = min(position + count, source.count)
        output.append(contentsOf: source[position..<end])
        position = end
    }

    private mutating func scan() throws(Fault) {
        let first = byte(at: 0)
        switch first {
        case 0: throw Fault(message: "holds a zero byte")
        case UInt8(ascii: "'"): try quoted(hasEscapes: false)
        case UInt8(ascii: "\""): try quotedName()
        case UInt8(ascii: "$"): try dollar()
        case UInt8(ascii: "-") where byte(at: 1) == first: lineComment()
        case UInt8(ascii: "/") where byte(at: 1) == UInt8(ascii: "*"): try blockComment()
        case UInt8(ascii: ":"): try colon()
        case _ where Self.startsName(first): try word()
        case _ where Self.isDigit(first): number()
        default: take()
        }
    }

    /// `E'…'` is the one kind of string in which a backslash means something.
    private mutating func word() throws(Fault) {
        let start = position
        while Self.continuesName(byte(at: 0)) { take() }
        let word = source[start..<position]
        let lowered = word.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        if byte(at: 0) == UInt8(ascii: "'"), lowered == [UInt8(ascii: "e")] {
            return try quoted(hasEscapes: true)
        }
        words.append(Name(String(decoding: lowered, as: UTF8.self)))
    }

    /// Letters directly behind a number are no name.
    private mutating func number() {
        while Self.isDigit(byte(at: 0)) || Self.continuesName(byte(at: 0)) { take() }
    }

    private mutating func quoted(hasEscapes: Bool) throws(Fault) {
        repeat {
            take()
            while true {
                guard position < source.count else {
                    throw Fault(message: "a string has no end")
                }
                let current = byte(at: 0)
                if current == 0 { throw Fault(message: "holds a zero byte") }
                if hasEscapes, current == UInt8(ascii: "\\") {
                    take(2)
                } else if current != UInt8(ascii: "'") {
                    take()
                } else if byte(at: 1) == UInt8(ascii: "'") {
                    take(2)
                } else {
                    take()
                    break
                }
            }
        } while continuesOnAnotherLine()
    }

    /// Strings with a new line between them, and else only white space and comments of one line,
    /// are one string of the first one's kind. Moves to the quote that goes on, or nowhere.
    private mutating func continuesOnAnotherLine() -> Bool {
        var index = position
        var sawLine = false
        while index < source.count {
            let current = source[index]
            if current == 0x0A || current == 0x0D {
                sawLine = true
                index += 1
            } else if Self.isSpace(current) {
                index += 1
            } else if current == UInt8(ascii: "-"), index + 1 < source.count,
                source[index + 1] == current
            {
                while index < source.count, source[index] != 0x0A, source[index] != 0x0D {
                    index += 1
                }
            } else {
                break
            }
        }
        guard sawLine, index < source.count, source[index] == UInt8(ascii: "'") else {
            return false
        }
        take(index - position)
        return true
    }

    private mutating func quotedName() throws(Fault) {
        take()
        while byte(at: 0) != UInt8(ascii: "\"") || byte(at: 1) == UInt8(ascii: "\"") {
            guard position < source.count, byte(at: 0) != 0 else {
                throw Fault(message: "a quoted name has no end")
            }
            take(byte(at: 0) == UInt8(ascii: "\"") ? 2 : 1)
        }
        take()
    }

    private mutating func dollar() throws(Fault) {
        if Self.isDigit(byte(at: 1)) {
            throw Fault(message: "parameters are written `:name`, not `$1`")
        }
        var length = 1
        if Self.startsName(byte(at: 1)) {
            while Self.continuesName(byte(at: length)), byte(at: length) != UInt8(ascii: "$") {
                length += 1
            }
        }
        guard byte(at: length) == UInt8(ascii: "$") else { return take() }
        let mark = source[position...(position + length)]
        take(mark.count)
        while position < source.count {
            if source[position...].starts(with: mark) { return take(mark.count) }
            if byte(at: 0) == 0 { break }
            take()
        }
        throw Fault(message: "a dollar quote has no end")
    }

    private mutating func lineComment() {
        while position < source.count, byte(at: 0) != 0x0A, byte(at: 0) != 0x0D { take() }
    }

    /// Comments nest. The server's scanner takes the square of the depth, hence a limit.
    private mutating func blockComment() throws(Fault) {
        var depth = 0
        repeat {
            guard position < source.count else { throw Fault(message: "a comment has no end") }
            if byte(at: 0) == UInt8(ascii: "/"), byte(at: 1) == UInt8(ascii: "*") {
                depth += 1
                guard depth <= Self.commentDepthMax else {
                    throw Fault(message: "comments are nested deeper than \(Self.commentDepthMax)")
                }
                take(2)
            } else if byte(at: 0) == UInt8(ascii: "*"), byte(at: 1) == UInt8(ascii: "/") {
                depth -= 1
                take(2)
            } else {
                take()
            }
        } while depth > 0
    }

    /// A cast `::`, an assignment `:=`, the bounds of a slice, or a parameter.
    private mutating func colon() throws(Fault) {
        if byte(at: 1) == UInt8(ascii: ":") { return take(2) }
        guard Self.startsName(byte(at: 1)) else { return take() }
        var end = position + 1
        while end < source.count, Self.continuesName(source[end]) { end += 1 }
        let name = source[(position + 1)..<end]
        guard name.allSatisfy({ $0 < 0x80 && $0 != UInt8(ascii: "$") }) else {
            throw Fault(message: "a parameter's name is letters, digits and `_`")
        }
        position = end
        let number = try self.number(of: Name(String(decoding: name, as: UTF8.self)))
        output.append(contentsOf: "$\(number)".utf8)
    }

    private mutating func number(of name: Name) throws(Fault) -> Int {
        if let index = parameters.firstIndex(of: name) { return index + 1 }
        guard parameters.count < Self.parameterCountMax else {
            throw Fault(message: "has more than \(Self.parameterCountMax) parameters")
        }
        parameters.append(name)
        return parameters.count
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte)
    }

    private static func startsName(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte | 0x20) && byte < 0x80 || byte == UInt8(ascii: "_")
            || byte >= 0x80
    }

    private static func continuesName(_ byte: UInt8) -> Bool {
        startsName(byte) || isDigit(byte) || byte == UInt8(ascii: "$")
    }
}
