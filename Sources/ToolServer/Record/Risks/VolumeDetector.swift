/// Many rows, or many calls, in ten minutes: more than a floor, and many times what the caller
/// usually takes in as long.
struct VolumeDetector: RiskDetector {
    private var episode = RiskEpisode(.volume)
    private var recent = RecentCalls(span: 10 * Microseconds.minute)
    private var rows = 0
    private var calls = 0
    /// Of the ten minutes of the clock that are under way.
    private var slot = Int.min
    private var slotRows = 0
    private var slotCalls = 0
    private var usualRows = UsualAmount()
    private var usualCalls = UsualAmount()

    private static let rowsMin = 1_000
    private static let callsMin = 100
    private static let times = 5
    /// While nothing is known of the caller.
    private static let unknownTimes = 10

    mutating func take(_ call: WatchedCall) -> [RiskFinding] {
        learn(call)
        for gone in recent.add(call) {
            rows -= gone.rows
            calls -= gone.count
        }
        rows += call.rows
        calls += call.count
        let rowsMost = Self.most(usualRows.most, Self.rowsMin)
        let callsMost = Self.most(usualCalls.most, Self.callsMin)
        guard rows >= rowsMost || calls >= callsMost else { return episode.end() }
        let score = max(
            RiskFinding.score(rows, over: rowsMost), RiskFinding.score(calls, over: callsMost))
        let (amounts, usual) = ((rows, calls), (usualRows.most, usualCalls.most))
        episode.goOn(with: call, after: recent.calls, score: score + 5) {
            let what = "\(amounts.0) rows by \(amounts.1) calls in 10 minutes; "
            guard let rows = usual.0, let calls = usual.1 else {
                return what + "nothing is known of what they usually take"
            }
            return what + "they seldom take more than \(rows) rows or make more than \(calls) calls"
        }
        return []
    }

    mutating func end() -> [RiskFinding] { episode.end() }

    private static func most(_ usual: Int?, _ floor: Int) -> Int {
        usual.map { max(floor, times * $0) } ?? floor * unknownTimes
    }

    private mutating func learn(_ call: WatchedCall) {
        let now = call.at / (10 * Microseconds.minute)
        if now != slot {
            if slotCalls > 0 {
                usualRows.add(slotRows)
                usualCalls.add(slotCalls)
            }
            slot = now
            slotRows = 0
            slotCalls = 0
        }
        slotRows += call.rows
        slotCalls += call.count
    }
}
