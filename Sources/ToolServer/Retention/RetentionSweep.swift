import Enforcement

/// Takes what is over out of a log, by whoever writes that log. Blocks its thread.
struct RetentionSweep: Sendable {
    let settings: RetentionSettings
    let recorder: Recorder
    /// Of the log.
    let directory: String

    /// How many files it made anew. Only those before `segment` are touched. A failure leaves a
    /// whole record; the next sweep goes on.
    func run(before segment: Int, at now: Int) throws(RecordError) -> Int {
        var count = 0
        while true {
            let pass = try RetentionPass(settings, log: directory, before: segment, at: now)
            for segment in pass.segments {
                if try remove(pass.lines, from: segment) { count += 1 }
            }
            guard pass.isPart, !pass.segments.isEmpty else { return count }
        }
    }

    /// False where nothing of it may go.
    private func remove(_ lines: Set<Int>, from segment: Int) throws(RecordError) -> Bool {
        let rewrite = try SegmentRewrite(
            directory: directory, segment: segment, removing: { lines.contains($0) })
        guard let rewrite else { return false }
        if case .failure(let error) = recorder.append(together: [[rewrite.note.body]]) {
            rewrite.abandon()
            throw error
        }
        try rewrite.finish()
        return true
    }
}
