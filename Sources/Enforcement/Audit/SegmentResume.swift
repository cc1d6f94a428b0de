/// A line from which a start may check the last segment instead of from its beginning.
///
/// It holds the tree's edge in front of itself. A wrong edge gives another root than the one that
/// the last checkpoint signs, so a start that goes on from here trusts no more than one that
/// hashes the whole segment. What it does not see is damage in front of the line; that is the
/// verifier's to find, as in all earlier segments.
enum SegmentResume {
    /// Between two such lines of a segment. Hashing this much takes a few milliseconds.
    static let interval = 2 << 20
    /// A batch may be as long as the queue: then there is no line in sight and all is checked.
    private static let window = 2 * interval

    struct Point {
        /// Of the line's first byte.
        let offset: Int
        let state: SegmentState
        let linesBefore: Int
    }

    static func body(_ state: SegmentState) -> [UInt8] {
        let edge = state.tree.edge.map { "\"\(Base64.encode($0.bytes))\"" }
        return Array(
            (#""event":"resume","size":\#(state.tree.size),"edge":[\#(edge.joined(separator: ","))],"#
                + #""epoch":\#(state.epoch),"key":"\#(state.key.text)""#).utf8)
    }

    /// The last one near the end of the file; only a claim.
    static func last(
        directory: String, name: String, _ header: SegmentHeader
    ) throws(RecordError) -> Point? {
        var reader = try SegmentReader(directory: directory, name: name)
        guard reader.limit > window else { return nil }
        reader.skip(to: reader.limit - window)
        // Most likely not the beginning of a line.
        guard try reader.next() != nil else { return nil }
        var point: Point?
        var offset = reader.offset
        while let line = try reader.next() {
            if let parsed = SegmentLine(line), parsed.isEvent("resume"),
                let state = state(line, parsed.sequence)
            {
                // The header, and a line for each number since.
                let lines = 1 + max(0, state.tree.size &- header.state.tree.size)
                point = Point(offset: offset, state: state, linesBefore: lines)
            }
            offset = reader.offset
        }
        return point
    }

    private static func state(
        _ line: ArraySlice<UInt8>, _ sequence: Int
    ) -> SegmentState? {
        guard let epoch = SegmentHeader.number(#""epoch":"#, line),
            let key = SegmentHeader.field(#""key":"#, line).flatMap({ CheckpointKey(text: $0) }),
            let tree = SegmentHeader.tree(size: sequence, line)
        else { return nil }
        return SegmentState(tree: tree, epoch: epoch, key: key)
    }
}
