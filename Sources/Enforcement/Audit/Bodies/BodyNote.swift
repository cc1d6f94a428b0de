package import JSON

/// What the line of a call says of the answer that is kept beside it: where it stands, and the
/// digest of what stands there. The last member of an outcome, in a fixed form, so that who checks
/// millions of lines parses no JSON.
package struct BodyNote: Sendable, Hashable {
    package let key: BodyKey.ID
    /// Of the file, among those of its key.
    let number: Int
    let offset: Int
    /// Of what stands in the file.
    package let length: Int
    let digest: String

    /// Its name in the folder of the bodies.
    package var file: String { "\(key.text).\(number)" }

    private static let start = Array(#","body":{"file":""#.utf8)
    private static let offsetStart = Array(#"","offset":"#.utf8)
    private static let lengthStart = Array(#","length":"#.utf8)
    private static let digestStart = Array(#","sha256":""#.utf8)
    private static let end = Array(#""}"#.utf8)
    /// No note is longer.
    private static let longest = 256

    init(key: BodyKey.ID, number: Int, offset: Int, length: Int, digest: String) {
        self.key = key
        self.number = number
        self.offset = offset
        self.length = length
        self.digest = digest
    }

    /// What is put behind the last member of a line.
    var member: [UInt8] {
        Self.start + Array(file.utf8) + Self.offsetStart + Array("\(offset)".utf8)
            + Self.lengthStart + Array("\(length)".utf8) + Self.digestStart + Array(digest.utf8)
            + Self.end
    }

    /// `body` is a line's. Nil where it does not end with exactly what `member` gives.
    init?(endOf body: ArraySlice<UInt8>) {
        guard body.last == UInt8(ascii: "}") else { return nil }
        let tail = body.suffix(Self.longest)
        guard tail.count > Self.start.count,
            var index = (tail.startIndex..<tail.endIndex - Self.start.count).last(where: {
                tail[$0] == UInt8(ascii: ",") && tail[$0...].starts(with: Self.start)
            })
        else { return nil }
        let from = index
        index += Self.start.count
        guard let quote = tail[index...].firstIndex(of: UInt8(ascii: "\"")),
            let (key, number) = Self.file(String(decoding: tail[index..<quote], as: UTF8.self))
        else { return nil }
        index = quote
        guard SegmentLine.skip(Self.offsetStart, tail, &index),
            let offset = SegmentLine.number(tail, &index),
            SegmentLine.skip(Self.lengthStart, tail, &index),
            let length = SegmentLine.number(tail, &index),
            SegmentLine.skip(Self.digestStart, tail, &index), tail.endIndex - index == 66
        else { return nil }
        self.init(
            key: key, number: number, offset: offset, length: length,
            digest: String(decoding: tail[index..<index + 64], as: UTF8.self))
        guard member[...] == tail[from...] else { return nil }
    }

    /// Of a line that a reader took apart.
    package init?(_ value: JSONValue?) {
        guard let value, let (key, number) = value["file"]?.string.flatMap(Self.file),
            let offset = value["offset"]?.int, let length = value["length"]?.int,
            offset >= 0, length >= 0, let digest = value["sha256"]?.string
        else { return nil }
        self.init(key: key, number: number, offset: offset, length: length, digest: digest)
    }

    /// The parts of a file's name.
    static func file(_ name: String) -> (key: BodyKey.ID, number: Int)? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let key = BodyKey.ID(parts[0]), let number = Int(parts[1]),
            number > 0, "\(number)".utf8.elementsEqual(parts[1].utf8)
        else { return nil }
        return (key, number)
    }
}
