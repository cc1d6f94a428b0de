import Glibc

/// Reads lines for people: the last few, or one by its number. It checks no signature; that is the
/// verifier's work.
package struct AuditReader: Sendable {
    package struct Line: Sendable {
        package let sequence: Int
        /// Without the line feed.
        package let bytes: [UInt8]

        package init(sequence: Int, bytes: [UInt8]) {
            self.sequence = sequence
            self.bytes = bytes
        }
    }

    let directory: String

    package init(directory: String) { self.directory = directory }

    /// The last `count` lines for which `wanted` holds, oldest first, that stand before the line
    /// `before`. Memory holds the wanted lines; at most `count` of them.
    package func last(
        _ count: Int, before: Int = .max, where wanted: (Line) -> Bool = { _ in true }
    ) throws(RecordError) -> [Line] {
        guard count > 0 else { return [] }
        var found: [Line] = []
        let segments = try SegmentDirectory.segments(in: directory)
        for number in segments.reversed() where found.count < count {
            var page = Ring(limit: count - found.count)
            try each(number, isLast: number == segments.last) { line in
                guard line.sequence < before else { return false }
                if wanted(line) { page.append(line) }
                return true
            }
            found = page.lines + found
        }
        return found
    }

    /// Nil when there is no such line.
    package func line(sequence: Int) throws(RecordError) -> Line? {
        let segments = try SegmentDirectory.segments(in: directory)
        guard let segment = try self.segment(of: sequence, among: segments) else { return nil }
        var found: Line?
        try each(segment, isLast: segment == segments.last) { line in
            if line.sequence == sequence { found = line }
            return line.sequence < sequence
        }
        return found
    }

    /// Where a line stands, or would stand; nil where there is no log.
    func segment(of sequence: Int) throws(RecordError) -> Int? {
        try segment(of: sequence, among: SegmentDirectory.segments(in: directory))
    }

    private func segment(of sequence: Int, among segments: [Int]) throws(RecordError) -> Int? {
        var low = 0
        var high = segments.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if try header(segments[middle]).state.tree.size <= sequence {
                low = middle
            } else {
                high = middle
            }
        }
        return low < segments.count ? segments[low] : nil
    }

    /// All lines in order, until `body` returns false.
    package func forEach(_ body: (Line) -> Bool) throws(RecordError) {
        var isGoingOn = true
        let segments = try SegmentDirectory.segments(in: directory)
        for number in segments where isGoingOn {
            try each(number, isLast: number == segments.last) { line in
                isGoingOn = body(line)
                return isGoingOn
            }
        }
    }

    func header(_ number: Int) throws(RecordError) -> SegmentHeader {
        let name = SegmentDirectory.name(number)
        var reader = try SegmentReader(directory: directory, name: name)
        guard let line = try reader.next(), let header = SegmentHeader(line, SHA256Hasher()) else {
            throw .damaged(file: name, line: 1, reason: "not a segment's header")
        }
        return header
    }

    /// Not beyond what the next segment calls the record's end: behind it the same lines stand
    /// that the next segment begins with.
    private func each(
        _ number: Int, isLast: Bool, _ body: (Line) -> Bool
    ) throws(RecordError) {
        let name = SegmentDirectory.name(number)
        let limit = isLast ? Int.max : try header(number + 1).after
        var reader = try SegmentReader(directory: directory, name: name, limit: limit)
        _ = try reader.next()
        var count = 1
        while let bytes = try reader.next() {
            count += 1
            guard let line = SegmentLine(bytes) else {
                if RemovedLine(bytes) != nil { continue }
                // The unfinished end of a killed server, or a running one's last write.
                if isLast { return }
                throw .damaged(file: name, line: count, reason: "not a line of the record")
            }
            guard body(Line(sequence: line.sequence, bytes: Array(bytes))) else { return }
        }
    }
}

/// The last lines of many.
private struct Ring {
    let limit: Int
    private var kept: [AuditReader.Line] = []
    private var oldest = 0

    init(limit: Int) { self.limit = limit }

    mutating func append(_ line: AuditReader.Line) {
        if kept.count < limit {
            kept.append(line)
        } else {
            kept[oldest] = line
            oldest = (oldest + 1) % limit
        }
    }

    var lines: [AuditReader.Line] { Array(kept[oldest...] + kept[..<oldest]) }
}
