/// Reads the lines of one log in order from a place on, and only those that are acknowledged: what
/// stands behind the last checkpoint may be cut or written again.
package struct RecordTail {
    /// In front of a line.
    package struct Place: Sendable, Equatable {
        package var segment: Int
        package var offset: Int
        /// Of the line that comes next.
        package var sequence: Int

        package init(segment: Int = 1, offset: Int = 0, sequence: Int = 0) {
            self.segment = segment
            self.offset = offset
            self.sequence = sequence
        }
    }

    package struct Placed {
        package let line: AuditReader.Line
        package let segment: Int
        package let offset: Int
        /// Of a line that was removed; the line itself is empty then.
        var leaf: Digest32?
    }

    private let directory: String
    package private(set) var place: Place
    /// Whether lines that were removed come too, as no more than their hashes.
    var keepsRemoved = false

    package init(directory: String, from place: Place = Place()) {
        self.directory = directory
        self.place = place
    }

    /// The lines of each batch, with its checkpoint, up to the end of what is acknowledged.
    /// `body` returns false to stop; the place is then behind that batch.
    package mutating func read(_ body: ([Placed]) -> Bool) throws(RecordError) {
        let segments = try SegmentDirectory.segments(in: directory)
        var batch: [Placed] = []
        while let last = segments.last, place.segment <= last {
            let number = place.segment
            let isLast = number == last
            let limit = isLast ? Int.max : try header(number + 1).after
            let name = SegmentDirectory.name(number)
            var reader = try SegmentReader(directory: directory, name: name, limit: limit)
            if place.offset > 0 { reader.skip(to: place.offset) } else { _ = try reader.next() }
            var start = reader.offset
            batch.removeAll(keepingCapacity: true)
            var isAgain = false
            while let bytes = try reader.next() {
                guard let parsed = SegmentLine(bytes) else {
                    if let removed = RemovedLine(bytes) {
                        take(removed, Place(segment: number, offset: start), into: &batch)
                        start = reader.offset
                        continue
                    }
                    if isLast { return }
                    if place.offset > 0 {
                        // The file is another since the place was noted.
                        place.offset = 0
                        isAgain = true
                        break
                    }
                    throw .damaged(file: name, line: 0, reason: "not a line of the record")
                }
                // What a failed write left behind comes again in the next segment.
                if parsed.sequence >= place.sequence {
                    let line = AuditReader.Line(sequence: parsed.sequence, bytes: Array(bytes))
                    batch.append(Placed(line: line, segment: number, offset: start))
                }
                start = reader.offset
                guard parsed.isEvent("checkpoint") else { continue }
                place = Place(
                    segment: number, offset: start,
                    sequence: max(place.sequence, parsed.sequence + 1))
                let isGoingOn = batch.isEmpty || body(batch)
                batch.removeAll(keepingCapacity: true)
                if !isGoingOn { return }
            }
            guard !isLast else { return }
            guard !isAgain else { continue }
            place = Place(segment: number + 1, sequence: place.sequence)
        }
    }

    private func take(_ line: RemovedLine, _ at: Place, into batch: inout [Placed]) {
        guard keepsRemoved, line.sequence >= place.sequence else { return }
        batch.append(
            Placed(
                line: AuditReader.Line(sequence: line.sequence, bytes: []), segment: at.segment,
                offset: at.offset, leaf: line.leaf))
    }

    private func header(_ number: Int) throws(RecordError) -> SegmentHeader {
        try AuditReader(directory: directory).header(number)
    }
}

extension AuditReader {
    /// The line at a place that was right when it was noted; looked for by its number where it is
    /// no more.
    package func line(
        sequence: Int, segment: Int, offset: Int
    ) throws(RecordError) -> Line? {
        if var reader = try? SegmentReader(
            directory: directory, name: SegmentDirectory.name(segment))
        {
            reader.skip(to: offset)
            if let bytes = try reader.next(), let line = SegmentLine(bytes),
                line.sequence == sequence
            {
                return Line(sequence: sequence, bytes: Array(bytes))
            }
        }
        return try line(sequence: sequence)
    }

    /// Which log this is: the first key, which no other log has.
    package func identity() throws(RecordError) -> String { try header(1).state.key.text }

    /// The name that all its notes bear.
    package func origin() throws(RecordError) -> String { try header(1).state.key.origin }
}
