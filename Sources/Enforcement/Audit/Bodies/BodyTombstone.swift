/// The line by which the record tells that the key of a day's answers is destroyed, and of which
/// lines the answers stay readable because somebody holds them:
/// `"event":"destroyed","v":1,"key":"…","bodies":120,"held":[12,57]`.
///
/// Of one key the last such line counts.
package struct BodyTombstone: Sendable, Equatable {
    package let key: BodyKey.ID
    /// How many answers had it, those that are held with them.
    package let bodies: Int
    /// The numbers of the lines whose answers stay, ascending.
    package let held: [Int]

    package init(key: BodyKey.ID, bodies: Int, held: [Int]) {
        self.key = key
        self.bodies = bodies
        self.held = held
    }

    package static let event = "destroyed"
    private static let start = Array(#""event":"destroyed","v":1,"key":""#.utf8)
    private static let count = Array(#"","bodies":"#.utf8)
    private static let list = Array(#","held":["#.utf8)
    private static let comma: [UInt8] = [UInt8(ascii: ",")]
    private static let end: [UInt8] = [UInt8(ascii: "]")]

    package var line: [UInt8] {
        Self.start + Array(key.text.utf8) + Self.count + Array("\(bodies)".utf8) + Self.list
            + Array(held.map(String.init).joined(separator: ",").utf8) + Self.end
    }

    /// Of a whole line.
    package init?(line bytes: [UInt8]) {
        guard let line = SegmentLine(bytes[...]) else { return nil }
        self.init(line.body)
    }

    /// Nil for anything but exactly what `line` gives. `body` is a line's.
    init?(_ body: ArraySlice<UInt8>) {
        var index = body.startIndex
        guard SegmentLine.skip(Self.start, body, &index),
            let quote = body[index...].firstIndex(of: UInt8(ascii: "\"")),
            let key = BodyKey.ID(String(decoding: body[index..<quote], as: UTF8.self))
        else { return nil }
        index = quote
        guard SegmentLine.skip(Self.count, body, &index),
            let bodies = SegmentLine.number(body, &index),
            SegmentLine.skip(Self.list, body, &index)
        else { return nil }
        var held: [Int] = []
        while !body[index...].starts(with: Self.end) {
            guard held.isEmpty || SegmentLine.skip(Self.comma, body, &index),
                let number = SegmentLine.number(body, &index), number > held.last ?? -1
            else { return nil }
            held.append(number)
        }
        guard index + 1 == body.endIndex else { return nil }
        self.init(key: key, bodies: bodies, held: held)
    }
}

/// What a line says about answers that are kept beside the record.
enum BodyWord {
    /// `by` is the line, from `"event"` on.
    case kept(BodyNote, by: ArraySlice<UInt8>)
    case destroyed(BodyTombstone)
}
