import JSON

/// Refused again and again in ten minutes: somebody looks for what they may.
struct DenialsDetector: RiskDetector {
    private let floor: Int
    private static let span = 10 * Microseconds.minute
    private var episode = RiskEpisode(.denials)
    private var recent = RecentCalls(span: Self.span)
    private var refused = 0
    private var tools = Tally<Name>()
    private var reasons = Tally<Name>()
    /// Of tools that had refused them within the same ten minutes.
    private var through = 0

    /// `floor`: how many are too many.
    init(over floor: Int) { self.floor = floor }

    mutating func take(_ call: WatchedCall) -> [RiskFinding] {
        guard call.isRefused else {
            let isSoon = recent.calls.last.map { call.at - $0.at < Self.span } ?? false
            guard isSoon, refused >= floor, tools.counts[call.tool] != nil else { return [] }
            through += 1
            note(call, after: recent.calls + [call])
            return []
        }
        for gone in recent.add(call) {
            refused -= gone.count
            tools.remove(gone.tool)
            for reason in Self.reasons(of: gone) { reasons.remove(reason) }
        }
        refused += call.count
        tools.add(call.tool)
        for reason in Self.reasons(of: call) { reasons.add(reason) }
        guard refused >= floor else {
            through = 0
            return episode.end()
        }
        note(call, after: recent.calls)
        return []
    }

    private mutating func note(_ call: WatchedCall, after earlier: some Sequence<WatchedCall>) {
        let (refused, tools, kinds) = (refused, tools.distinct, reasons.distinct)
        let many = min(20, 5 * (tools + kinds - 2)) + (through > 0 ? 15 : 0)
        let (score, through) = (RiskFinding.score(refused, over: floor, each: 10), through)
        episode.goOn(with: call, after: earlier, score: score + many) {
            guard !call.tool.text.utf8.isEmpty else {
                return "\(refused) attempts without a caller were turned away in 10 minutes"
            }
            let got = through > 0 ? "; \(through) calls of the same tools got through" : ""
            return
                "\(refused) calls refused in 10 minutes, over \(counted(tools, "tool")) for \(counted(kinds, "reason"))\(got)"
        }
    }

    mutating func end() -> [RiskFinding] { episode.end() }

    private static func reasons(of call: WatchedCall) -> [Name] {
        call.rules.isEmpty ? [Name(call.code)] : call.rules
    }
}
