import Enforcement
import JSON

/// One look through a log for what may be removed from it.
struct RetentionPass {
    /// By number; at most `linesMax` of them.
    private(set) var lines: Set<Int> = []
    /// Files that hold some of them.
    private(set) var segments: [Int] = []
    private(set) var calls = 0
    /// Another look would find more.
    private(set) var isPart = false

    private static let linesMax = 1_000_000

    /// Only what every stream has: `cursors` are theirs, nil for one that has nothing yet.
    init(
        _ settings: RetentionSettings, log directory: String, cursors: [StreamCursor?], at now: Int
    ) throws(RecordError) {
        let shipped = cursors.map { $0?.place.segment ?? 1 }.min() ?? .max
        let sealed = try SegmentRewrite.sealed(in: directory).filter { $0.segment < shipped }
        guard let end = sealed.last?.end else { return }
        var tail = RecordTail(directory: directory)
        var joiner = EntryJoiner()
        var found: Set<Int> = []
        var calls = 0
        try tail.read { batch in
            for line in batch.compactMap({ RecordedLine($0.line) }) where !line.isUpkeep {
                for entry in joiner.take(line) where settings.isOver(entry, at: now) {
                    // A call whose end stands behind what may be touched waits for it.
                    guard entry.lines.allSatisfy({ $0.sequence < end }) else { continue }
                    found.formUnion(entry.lines.map(\.sequence))
                    calls += 1
                }
            }
            return found.count < Self.linesMax && (batch.last?.line.sequence ?? 0) < end
        }
        isPart = found.count >= Self.linesMax
        lines = found
        self.calls = calls
        var start = 0
        for (segment, end) in sealed {
            if found.contains(where: { (start..<end).contains($0) }) { segments.append(segment) }
            start = end
        }
    }
}
