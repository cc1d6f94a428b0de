/// What stands in place of a line that was removed: its number and its leaf. So the tree
/// is the same as before, every signature holds, and nobody learns what the line said.
///
/// Only a whole file that a line of the record tells of may hold such; the verifier sees to that.
struct RemovedLine {
    let sequence: Int
    let leaf: Digest32

    private static let start = Array(#"{"seq":"#.utf8)
    private static let middle = Array(#","leaf":""#.utf8)
    private static let end = Array(#""}"#.utf8)

    init(sequence: Int, leaf: Digest32) {
        self.sequence = sequence
        self.leaf = leaf
    }

    /// Nil for anything but exactly what `bytes` gives.
    init?(_ line: ArraySlice<UInt8>) {
        guard line.starts(with: Self.start) else { return nil }
        var index = line.startIndex + Self.start.count
        guard let sequence = SegmentLine.number(line, &index),
            SegmentLine.skip(Self.middle, line, &index),
            let leaf = Base64.decode(line[index...].dropLast(Self.end.count)).flatMap({
                Digest32($0)
            })
        else { return nil }
        self.init(sequence: sequence, leaf: leaf)
        guard bytes[...] == line else { return nil }
    }

    /// Without a line feed.
    var bytes: [UInt8] {
        Self.start + Array("\(sequence)".utf8) + Self.middle + Base64.encodedBytes(leaf.bytes)
            + Self.end
    }
}

/// The line by which the record tells that lines of one of its files were removed, and what the
/// file is since: `"event":"removed","v":1,"segment":3,"lines":120,"sha256":"…"`.
package struct RemovalNote: Sendable, Equatable {
    package let segment: Int
    /// How many lines of it are gone, all times together.
    package let lines: Int
    /// Of the file as it is now.
    package let digest: String

    package init(segment: Int, lines: Int, digest: String) {
        self.segment = segment
        self.lines = lines
        self.digest = digest
    }

    package static let event = "removed"
    private static let start = Array(#""event":"removed","v":1,"segment":"#.utf8)
    private static let lines = Array(#","lines":"#.utf8)
    private static let digest = Array(#","sha256":""#.utf8)

    package var body: [UInt8] {
        Self.start + Array("\(segment)".utf8) + Self.lines + Array("\(lines)".utf8) + Self.digest
            + Array("\(digest)\"".utf8)
    }

    init?(_ body: ArraySlice<UInt8>) {
        var index = body.startIndex
        guard SegmentLine.skip(Self.start, body, &index),
            let segment = SegmentLine.number(body, &index),
            SegmentLine.skip(Self.lines, body, &index),
            let lines = SegmentLine.number(body, &index),
            SegmentLine.skip(Self.digest, body, &index), body.endIndex - index == 65
        else { return nil }
        self.init(
            segment: segment, lines: lines,
            digest: String(decoding: body[index..<body.endIndex - 1], as: UTF8.self))
    }
}
