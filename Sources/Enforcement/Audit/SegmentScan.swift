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
    var explained: (segment: Int, from: Int)?

    /// Calls `each` for every line that the check accepted.
    ///
    /// Only such an end is a tail: lines that are right but under no checkpoint, an unterminated
    /// one, or a batch with sectors that never reached the disk. Anything else is damage.
    static func run(
        directory: String, number: Int, limit: Int, check: inout SegmentCheck,
        header: (ArraySlice<UInt8>) throws(RecordError) -> SegmentState?,
        each: (inout SegmentCheck, SegmentCheck.Kind) -> Void
    ) throws(RecordError) -> SegmentScan {
        let name = SegmentDirectory.name(number)
        var reader = try SegmentReader(directory: directory, name: name, limit: limit)
        guard let first = try reader.next(), let _ = try header(first) else {
            throw .damaged(file: name, line: 1, reason: "not the header that belongs here")
        }
        var scan = SegmentScan(
            state: check.state, coveredBytes: 0, coveredLines: 0, tailBytes: 0, explained: nil)
        var line = 1
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
        scan.tailBytes = reader.size - scan.coveredBytes
        return scan
    }
}

/// Tells a batch that a power cut left with holes from lines that somebody changed.
///
/// A file system may make a write's later sectors durable and not its earlier ones; those read as
/// zeros then, which no line of the record contains. At most the one last batch can look so: its
/// checkpoint, if it is there, is the last line of the file.
private enum TornBatch {
    static func explains(
        _ directory: String, _ name: String, from offset: Int, _ limit: Int
    ) throws(RecordError) -> Bool {
        guard offset > 0 else { return false }
        var reader = try SegmentReader(directory: directory, name: name, limit: limit)
        var hasHole = false
        while reader.offset < offset { guard try reader.next() != nil else { return false } }
        while let line = try reader.next() {
            hasHole = hasHole || line.contains(0)
            guard SegmentLine(line)?.isEvent("checkpoint") == true else { continue }
            guard reader.offset == min(reader.size, limit) else { return false }
        }
        return hasHole
    }
}
