/// What is known about the whole log at one size: enough to go on writing or checking from there.
struct SegmentState: Sendable {
    var tree = MerkleTree()
    var epoch: Int
    var key: CheckpointKey
    var underway = CallsUnderway()
}

/// The first line of a segment. It is no leaf of the tree and has no number of its own: all of it
/// follows from the segments before, so a checker makes the line that must stand there and
/// compares.
/// Were it a leaf, lines that a failing disk refused could not be written again into a new
/// segment under the numbers that are already signed, and the log would fork.
struct SegmentHeader {
    var number: Int
    /// At the first line of the segment.
    var state: SegmentState
    /// How many bytes of the segment before belong to the record. Behind them stands at most what
    /// a failed or torn write left.
    var after: Int

    func line(_ hasher: SHA256Hasher) -> [UInt8] {
        let size = state.tree.size
        let root = Base64.encode(state.tree.root(hasher).bytes)
        let edge = state.tree.edge.map { "\"\(Base64.encode($0.bytes))\"" }
        return Array(
            (#"{"event":"segment","segment":\#(number),"first":\#(size),"size":\#(size),"#
                + #""root":"\#(root)","edge":[\#(edge.joined(separator: ","))],"#
                + #""epoch":\#(state.epoch),"key":"\#(state.key.text)","after":\#(after)}"#).utf8)
    }

    /// Reads a header of the exact form that `line` gives; nil for anything else.
    init?(_ line: ArraySlice<UInt8>, _ hasher: SHA256Hasher) {
        guard let number = Self.number(#""segment":"#, line),
            let size = Self.number(#""size":"#, line),
            let epoch = Self.number(#""epoch":"#, line),
            let after = Self.number(#""after":"#, line),
            let key = Self.field(#""key":"#, line).flatMap({ CheckpointKey(text: $0) }),
            let tree = Self.tree(size: size, line)
        else { return nil }
        self.number = number
        self.after = after
        state = SegmentState(tree: tree, epoch: epoch, key: key)
        guard self.line(hasher)[...] == line else { return nil }
    }

    init(number: Int, state: SegmentState, after: Int) {
        self.number = number
        self.state = state
        self.after = after
    }

    static func tree(size: Int, _ line: ArraySlice<UInt8>) -> MerkleTree? {
        guard let start = position(of: #""edge":["#, line),
            let end = line[start...].firstIndex(of: UInt8(ascii: "]"))
        else { return nil }
        var edge: [Digest32] = []
        for text in line[start..<end].split(separator: UInt8(ascii: ",")) {
            guard let hash = Base64.decode(text.dropFirst().dropLast()).flatMap({ Digest32($0) })
            else { return nil }
            edge.append(hash)
        }
        return MerkleTree(size: size, edge: edge)
    }

    /// Small enough to be added to.
    static func number(_ name: String, _ line: ArraySlice<UInt8>) -> Int? {
        guard let value = field(name, line).flatMap({ Int($0) }), (0..<1 << 60).contains(value)
        else { return nil }
        return value
    }

    /// The value behind `name`, without quotes. Only a first guess: the whole line is compared.
    static func field(_ name: String, _ line: ArraySlice<UInt8>) -> String? {
        guard let start = position(of: name, line) else { return nil }
        let ends: [UInt8] = Array(",}".utf8)
        guard let end = line[start...].firstIndex(where: { ends.contains($0) }) else { return nil }
        let value = line[start..<end].filter { $0 != UInt8(ascii: "\"") }
        return String(decoding: value, as: UTF8.self)
    }

    private static func position(of name: String, _ line: ArraySlice<UInt8>) -> Int? {
        let name = Array(name.utf8)
        guard line.count >= name.count, line.count < 1 << 16 else { return nil }
        return (line.startIndex...line.endIndex - name.count)
            .first { line[$0..<$0 + name.count].elementsEqual(name) }
            .map { $0 + name.count }
    }
}
