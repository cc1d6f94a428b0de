import Glibc

/// What one segment holds: how much of it is under a checkpoint, and what stands behind that.
struct SegmentScan {
    /// After the last checkpoint.
    var state: SegmentState
    /// The bytes up to there.
    var coveredBytes: Int
    /// The lines up to there, the header included.
    var coveredLines: Int
    /// What a crash or a failed write left behind the last checkpoint; nobody was told that it is
    /// recorded.
    var tailBytes: Int
    /// With the room behind the lines.
    var fileBytes: Int
    var explained: (segment: Int, from: Int, isChanged: Bool)?

    /// Calls `each` for every line that the check accepted.
    ///
    /// Only such an end is a tail: lines that are right but under no checkpoint, an unterminated
    /// one, or a batch with sectors that never reached the disk. Spaces alone are none. Anything
    /// else is damage.
    static func run(
        directory: String, number: Int, limit: Int, check: inout SegmentCheck,
        header: (ArraySlice<UInt8>) throws(RecordError) -> SegmentState?,
        from point: SegmentResume.Point? = nil,
        each: (inout SegmentCheck, SegmentCheck.Kind) -> Void
    ) throws(RecordError) -> SegmentScan {
        let name = SegmentDirectory.name(number)
        var reader = try SegmentReader(directory: directory, name: name, limit: limit)
        if point == nil {
            guard let first = try reader.next(), let _ = try header(first) else {
                throw .damaged(file: name, line: 1, reason: "not the header that belongs here")
            }
        }
        var scan = SegmentScan(
            state: check.state, coveredBytes: 0, coveredLines: 0, tailBytes: 0,
            fileBytes: reader.size, explained: nil)
        var line = 1
        if let point {
            reader.skip(to: point.offset)
            line = point.linesBefore
        }
        while let bytes = try reader.next() {
            line += 1
            do throws(SegmentCheck.Fault) {
                let kind = try check.take(bytes)
                each(&check, kind)
                guard kind == .checkpoint else { continue }
                scan.state = check.state
                scan.coveredBytes = reader.offset
                scan.coveredLines = line
            } catch {
                guard try TornBatch.explains(directory, name, from: scan.coveredBytes, limit) else {
                    throw .damaged(file: name, line: line, reason: error.reason)
                }
                break
            }
        }
        guard scan.coveredBytes > 0 else {
            throw .damaged(file: name, line: line, reason: "no checkpoint in the segment")
        }
        do throws(SegmentCheck.Fault) { try check.checkLastSignature() } catch {
            throw .damaged(file: name, line: scan.coveredLines, reason: error.reason)
        }
        scan.explained = check.recovered
        // Room belongs to the last segment alone.
        scan.tailBytes = (limit == .max ? reader.limit : reader.size) - scan.coveredBytes
        return scan
    }
}
