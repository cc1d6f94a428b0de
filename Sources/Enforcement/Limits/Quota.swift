/// How much of something is allowed, in what time, and who shares it.
package struct Quota: Sendable {
    package enum Measure: String, Sendable, CaseIterable {
        case calls, rows, bytes, denials
        /// At the same moment, in one process.
        case concurrent
    }

    /// Who has a count of their own; with none all calls share one.
    package enum Share: String, Sendable, CaseIterable { case caller, tool, backend }

    package var measure: Measure
    package var most: Int
    /// Nil for `concurrent`.
    package var span: UsageSpan?
    package var shares: [Share]

    package init(_ measure: Measure, most: Int, span: UsageSpan? = nil, shares: [Share] = [.caller])
    {
        self.measure = measure
        self.most = most
        self.span = span
        self.shares = shares
    }
}

/// The time over which something is counted.
package enum UsageSpan: Sendable {
    /// So many seconds, ending now.
    case sliding(Int)
    /// Since the local day or month began.
    case calendar(CalendarPeriod)

    /// A window slides in so many steps: what leaves it leaves up to one step late, never early.
    private static let steps = 60

    /// Where an amount of this moment is kept, and from when on it counts for nothing.
    func bucket(at now: Int) -> (start: Int, expires: Int) {
        switch self {
        case .sliding(let seconds):
            let start = now - now % width(seconds)
            return (start, start + width(seconds) + seconds)
        case .calendar(let period):
            let bounds = period.bounds(at: now)
            return (bounds.lowerBound, bounds.upperBound)
        }
    }

    /// The oldest bucket that still counts.
    func first(at now: Int) -> Int {
        switch self {
        case .sliding(let seconds): now - seconds - width(seconds) + 1
        case .calendar: bucket(at: now).start
        }
    }

    /// When `excess` of what these buckets hold counts no more.
    func relief(of excess: Int, in buckets: [UsageBucket], at now: Int) -> Int {
        var excess = excess
        for bucket in buckets.sorted(by: { $0.start < $1.start }) {
            excess -= bucket.amount
            if excess <= 0 { return self.bucket(at: bucket.start).expires }
        }
        return bucket(at: now).expires
    }

    private func width(_ seconds: Int) -> Int { max(1, seconds / Self.steps) }

    /// Tells counts over different times apart.
    var label: String {
        switch self {
        case .sliding(let seconds): "\(seconds)"
        case .calendar(let period): "\(period.unit.rawValue) \(period.zoneName)"
        }
    }

    /// As a refusal says it, after a number.
    var words: String {
        switch self {
        case .sliding(let seconds): "within \(Self.spelled(seconds))"
        case .calendar(let period): "a \(period.unit.rawValue) (\(period.zoneName))"
        }
    }

    /// Rounded up, so that who waits so long has waited long enough.
    static func spelled(_ seconds: Int) -> String {
        switch seconds {
        case ..<120: counted(seconds, "second")
        case ..<7_200: counted((seconds + 59) / 60, "minute")
        case ..<172_800: counted((seconds + 3_599) / 3_600, "hour")
        default: counted((seconds + 86_399) / 86_400, "day")
        }
    }

    private static func counted(_ count: Int, _ word: String) -> String {
        "\(count) \(word)\(count == 1 ? "" : "s")"
    }
}
