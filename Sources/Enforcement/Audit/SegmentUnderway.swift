/// The calls whose intent is in the record and whose outcome is not: after a crash nobody knows
/// what became of them, and the next start says so, one line for each.
///
/// Only writes are ever in here between batches: a read's intent is written with its outcome. So
/// the set is as small as the number of writes that run at once. A new segment begins with a line
/// of those that are underway, so that a start looks at the last segment alone.
package struct CallsUnderway: Sendable {
    /// Far above what may run at once. What a long failure leaves behind beyond it gets no line.
    static let limit = 4096
    private static let longestID = 64

    private var ids: Set<[UInt8]> = []
    /// Most often the next line is its outcome: then it never gets into the set.
    private var latest: [UInt8] = []

    package init() {}

    package var isEmpty: Bool { ids.isEmpty && latest.isEmpty }

    /// In the order of their bytes: the same calls give the same line.
    package var sorted: [[UInt8]] {
        (Array(ids) + (latest.isEmpty ? [] : [latest]))
            .sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// `body` is a line's, from `"event"` on.
    package mutating func note(_ body: ArraySlice<UInt8>) {
        if let id = Self.id(after: Self.intentStart, body) {
            settleLatest()
            latest.append(contentsOf: id)
        } else if let id = Self.id(after: Self.outcomeStart, body) {
            if latest[...] == id {
                latest.removeAll(keepingCapacity: true)
            } else if !ids.isEmpty {
                ids.remove(Array(id))
            }
        } else if body.starts(with: Self.underwayStart) {
            settleLatest()
            for part in body.dropFirst(Self.underwayStart.count).split(separator: 0x22)
            where Self.isID(part) {
                insert(Array(part))
            }
        }
    }

    private mutating func settleLatest() {
        guard !latest.isEmpty else { return }
        insert(latest)
        latest.removeAll(keepingCapacity: true)
    }

    package mutating func insert(_ id: [UInt8]) {
        if ids.count < Self.limit { ids.insert(id) }
    }

    private static let intentStart = Array(#""event":"intent","call":""#.utf8)
    private static let outcomeStart = Array(#""event":"outcome","call":""#.utf8)
    private static let underwayStart = Array(#""event":"underway","calls":["#.utf8)

    /// Whose outcome a line is, from `"event"` on.
    static func outcome(_ body: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        id(after: outcomeStart, body)
    }

    private static func id(after start: [UInt8], _ body: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        var index = body.startIndex
        guard SegmentLine.skip(start, body, &index) else { return nil }
        let id = body[index...].prefix(longestID + 1).prefix { $0 != 0x22 }
        return isID(id) ? id : nil
    }

    /// What needs no escape; a comma between two ids is none.
    private static func isID(_ text: ArraySlice<UInt8>) -> Bool {
        (1...longestID).contains(text.count)
            && text.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}

extension SegmentEvents {
    static func underway(_ ids: [[UInt8]]) -> [UInt8] {
        var body = Array(#""event":"underway","calls":["#.utf8)
        for (index, id) in ids.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            body.append(0x22)
            body += id
            body.append(0x22)
        }
        body.append(UInt8(ascii: "]"))
        return body
    }

    /// In place of the outcome that a crash kept from being written.
    static func unknownOutcome(_ id: [UInt8]) -> [UInt8] {
        Array(#""event":"outcome","call":""#.utf8) + id + Array(#"","code":"unknown""#.utf8)
    }
}
