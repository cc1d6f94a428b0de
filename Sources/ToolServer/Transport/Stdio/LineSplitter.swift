/// Cuts a stream of bytes into lines, whatever the pieces it comes in.
struct LineSplitter {
    /// Longer lines are given up: the client is told once, and the rest of the line is skipped.
    static let lineBytesMax = 4 << 20

    enum Line: Equatable {
        case whole([UInt8])
        case tooLong
    }

    private var pending: [UInt8] = []
    private var isSkipping = false

    mutating func split(_ bytes: [UInt8]) -> [Line] {
        var lines: [Line] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            append(rest[..<end], to: &lines)
            if !isSkipping, !pending.isEmpty { lines.append(.whole(pending)) }
            pending.removeAll()
            isSkipping = false
            rest = rest[(end + 1)...]
        }
        append(rest, to: &lines)
        return lines
    }

    /// What came after the last newline: a client may end without one.
    mutating func end() -> [UInt8]? {
        defer { pending = [] }
        return pending.isEmpty || isSkipping ? nil : pending
    }

    private mutating func append(_ bytes: ArraySlice<UInt8>, to lines: inout [Line]) {
        guard !isSkipping else { return }
        if pending.count + bytes.count > Self.lineBytesMax {
            lines.append(.tooLong)
            isSkipping = true
            pending.removeAll()
        } else {
            pending.append(contentsOf: bytes)
        }
    }
}
