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

    /// Only in files before `segment`, which every stream has.
    init(
        _ settings: RetentionSettings, log directory: String, before segment: Int, at now: Int
    ) throws(RecordError) {
        let sealed = try SegmentRewrite.sealed(in: directory).filter { $0.segment < segment }
        guard let end = sealed.last?.end else { return }
        var tail = RecordTail(directory: directory)
        var joiner = EntryJoiner()
        var over: Set<Int> = []
        var calls = 0
        // What people decided goes no sooner than the calls that it is about.
        var decisions: [(approval: Name, entry: RecordedEntry)] = []
        var kept: Set<Name> = []
        try tail.read { batch in
            for line in batch.compactMap({ RecordedLine($0.line) }) where !line.isUpkeep {
                for entry in joiner.take(line) {
                    // A call whose end stands behind what may be touched waits for it.
                    let isOver =
                        settings.isOver(entry, at: now)
                        && entry.lines.allSatisfy { $0.sequence < end }
                    if let approval = entry.approval, !isOver || !entry.isCall {
                        if entry.isCall {
                            kept.insert(approval)
                        } else if isOver {
                            decisions.append((approval, entry))
                        }
                    } else if isOver {
                        over.formUnion(entry.lines.map(\.sequence))
                        calls += 1
                    }
                }
            }
            return over.count < Self.linesMax && (batch.last?.line.sequence ?? 0) < end
        }
        isPart = over.count >= Self.linesMax
        kept.formUnion(joiner.rest().compactMap(\.approval))
        // Of a part, the calls that follow are not known.
        for decision in decisions where !isPart && !kept.contains(decision.approval) {
            over.formUnion(decision.entry.lines.map(\.sequence))
            calls += 1
        }
        lines = over
        self.calls = calls
        segments = Self.segments(of: over, in: sealed)
    }

    private static func segments(
        of lines: Set<Int>, in sealed: [(segment: Int, end: Int)]
    ) -> [Int] {
        var rest = lines.sorted()[...]
        return sealed.filter { _, end in
            let count = rest.count
            rest = rest.drop { $0 < end }
            return rest.count < count
        }.map(\.segment)
    }
}

extension RecordedEntry {
    /// Of the request for approval that it is about.
    fileprivate var approval: Name? {
        (text("approval") ?? self["approval"]?["id"]?.string).map { Name($0) }
    }
}
