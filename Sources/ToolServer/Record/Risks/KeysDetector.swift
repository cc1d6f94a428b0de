import JSON

/// The same question within an hour for one key after the other.
///
/// What a mask covers in the record looks the same each time and is not seen here.
struct KeysDetector: RiskDetector {
    private var episode = RiskEpisode(.keys)
    private var recent = RecentCalls(span: Microseconds.hour, limit: 500)
    private var tallies: [Tally<Name>] = []
    private var slot = Int.min
    private var slotMost = 0
    private var usual = UsualAmount()

    private static let keysMin = 20
    private static let times = 3

    mutating func take(_ call: WatchedCall) -> [RiskFinding] {
        learn(call.at / Microseconds.hour)
        let values = call.form.values
        if tallies.isEmpty { tallies = values.map { _ in Tally() } }
        for gone in recent.add(call) {
            for (place, value) in gone.form.values.enumerated() {
                tallies[place].remove(value.value)
            }
        }
        for (place, value) in values.enumerated() { tallies[place].add(value.value) }
        guard let place = varying else { return episode.end() }
        let keys = tallies[place].distinct
        slotMost = max(slotMost, keys)
        let isDense = Self.isDense(tallies[place])
        // Who looks up one customer after the other every day may do so.
        let most = isDense ? 0 : Self.times * (usual.most ?? 0)
        guard keys >= Self.keysMin, keys >= most else { return episode.end() }
        let score = RiskFinding.score(keys, over: Self.keysMin, each: 10) + (isDense ? 20 : 0)
        episode.goOn(with: call, after: recent.calls, score: score) {
            let name = values[place].argument
            let run = isDense ? ", numbers with hardly a gap" : ""
            return
                "\(call.tool) was asked within an hour for \(keys) values of `\(name)`\(run), with all else the same"
        }
        return []
    }

    mutating func end() -> [RiskFinding] { episode.end() }

    private mutating func learn(_ now: Int) {
        guard now != slot else { return }
        if slot != .min { usual.add(slotMost) }
        slot = now
        slotMost = 0
    }

    /// The one place whose values differ, where the others are as good as fixed.
    private var varying: Int? {
        guard let most = tallies.indices.max(by: { tallies[$0].distinct < tallies[$1].distinct })
        else { return nil }
        let limit = max(1, tallies[most].distinct / 5)
        let isAlone = tallies.indices.allSatisfy { $0 == most || tallies[$0].distinct <= limit }
        return isAlone ? most : nil
    }

    private static func isDense(_ tally: Tally<Name>) -> Bool {
        var numbers: [Int] = []
        for name in tally.counts.keys {
            let digits = name.text.utf8.drop { !(0x30...0x39).contains($0) }
            guard let number = Int(String(Substring(digits))) else { return false }
            numbers.append(number)
        }
        guard let first = numbers.min(), let last = numbers.max() else { return false }
        let (span, isTooLarge) = last.subtractingReportingOverflow(first)
        return !isTooLarge && span / 2 < numbers.count
    }
}
