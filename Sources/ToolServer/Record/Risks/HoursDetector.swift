import Enforcement

/// Many calls at an hour at which the caller never works. Hours are learned from the days before,
/// those of weekends apart; so no zone and no roster is asked, and who works at all hours has none
/// that are strange.
struct HoursDetector: RiskDetector {
    private var episode = RiskEpisode(.hours)
    /// Of the hour under way.
    private var hour = Int.min
    private var calls = RecentCalls(span: Microseconds.hour)
    private var count = 0
    private var isStrange = false

    private var daysOfSlot = [Int](repeating: 0, count: 48)
    private var lastDayOfSlot = [Int](repeating: .min, count: 48)
    /// On workdays and on weekends.
    private var days = [0, 0]
    private var lastDay = Int.min
    private var usual = UsualAmount()

    private static let daysMin = 5
    private static let callsMin = 5

    mutating func take(_ call: WatchedCall) -> [RiskFinding] {
        let now = call.at / Microseconds.hour
        var finished: [RiskFinding] = []
        if now != hour {
            finished = end()
            begin(now)
        }
        _ = calls.add(call)
        count += call.count
        // Nobody does half of an hour's work at an hour at which they do not work.
        let floor = max(Self.callsMin, (usual.most ?? 0) / 2)
        guard isStrange, count >= floor else { return finished }
        let (calls, count, days) = (calls.calls, count, days)
        episode.goOn(
            with: call, after: calls, score: RiskFinding.score(count, over: floor) + 5
        ) {
            let clock = Self.clock(now)
            return
                "\(count) calls between \(clock) UTC; in \(days[0] + days[1]) days before they hardly ever called at such an hour"
        }
        return finished
    }

    mutating func end() -> [RiskFinding] {
        let finding = episode.end()
        guard count > 0 else { return finding }
        let slot = Self.slot(hour)
        let day = hour / 24
        if day != lastDay {
            days[slot / 24] += 1
            lastDay = day
        }
        if lastDayOfSlot[slot] != day {
            daysOfSlot[slot] += 1
            lastDayOfSlot[slot] = day
        }
        usual.add(count)
        count = 0
        return finding
    }

    private mutating func begin(_ now: Int) {
        hour = now
        calls = RecentCalls(span: Microseconds.hour)
        let slot = Self.slot(now)
        let neighbours = [-1, 0, 1].map { slot / 24 * 24 + (slot % 24 + $0 + 24) % 24 }
        // Twice may be chance; of many days it has to be one in ten.
        let needed = max(2, days[slot / 24] / 10)
        isStrange =
            days[0] + days[1] >= Self.daysMin
            && neighbours.allSatisfy { daysOfSlot[$0] < needed }
    }

    /// The hour of a workday, or 24 and the hour of a day of the weekend.
    private static func slot(_ hour: Int) -> Int {
        let weekday = Calendar.weekday(ofDay: hour / 24)
        return hour % 24 + (weekday == 0 || weekday == 6 ? 24 : 0)
    }

    private static func clock(_ hour: Int) -> String {
        let names = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
        return
            "\(hour % 24):00 and \(hour % 24 + 1):00 on a \(names[Calendar.weekday(ofDay: hour / 24)])"
    }
}
