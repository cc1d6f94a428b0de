import JSON

/// Counts one call and answers the facts that rules ask for, in one transaction.
struct UsageReading: Sendable {
    let asked: [UsageFact]
    let keys: UsageKeys
    let tool: Tool
    let now: Int
    /// Not for a call that was counted before: it is the same one that goes on.
    let counts: Bool

    private static let week = 7 * 86_400
    private static let hour = UsageSpan.sliding(60 * 3_600)

    func facts(on ledger: any UsageLedger) throws(StateError) -> [UsageFact: JSONValue] {
        var facts: [UsageFact: JSONValue] = [:]
        var hours: [UsageBucket]?
        for fact in asked {
            switch fact {
            case .amount(let measure, let window):
                let count = try amount(measure, window, on: ledger)
                facts[fact] = count.map { .number(JSONNumber($0)) }
            case .sequence:
                let length = try sequence(on: ledger)
                facts[fact] = length.map { .number(JSONNumber($0)) }
            case .spike, .unusualHour:
                if hours == nil { hours = try countHour(on: ledger) }
                let habits = UsageHabits(hours ?? [], now: now)
                facts[fact] =
                    fact == .spike
                    ? habits.spike.map { .number($0) } : habits.isUnusual.map { .bool($0) }
            }
        }
        return facts
    }

    private func amount(
        _ measure: UsageFact.Measure, _ window: UsageFact.Window, on ledger: any UsageLedger
    ) throws(StateError) -> Int? {
        switch measure {
        case .calls:
            let key = keys.caller(UsageFact.amount(.calls, window).spelling)
            return try count(counts ? 1 : 0, key, window, on: ledger)
        case .rows, .bytes, .denials:
            let key = keys.caller(UsageFact.amount(measure, window).spelling)
            return try count(0, key, window, on: ledger)
        case .addresses:
            return try seen(keys.address, in: keys.caller("addresses"), window, on: ledger)
        case .clients:
            return try seen(keys.client, in: keys.caller("clients"), window, on: ledger)
        case .tokenAddresses:
            return try seen(keys.address, in: keys.token("addresses"), window, on: ledger)
        case .tokenClients:
            return try seen(keys.client, in: keys.token("clients"), window, on: ledger)
        case .keys:
            return try seen(keys.arguments, in: keys.tool("keys", tool), window, on: ledger)
        }
    }

    private func count(
        _ amount: Int, _ key: Digest32, _ window: UsageFact.Window, on ledger: any UsageLedger
    ) throws(StateError) -> Int {
        let span = UsageSpan.sliding(window.seconds)
        let place = span.bucket(at: now)
        if amount > 0 {
            try ledger.add(amount, to: key, bucket: place.start, until: place.expires)
        }
        return try ledger.buckets(of: key, from: span.first(at: now)).reduce(0) { $0 + $1.amount }
    }

    /// Nil where there is nothing to tell apart.
    private func seen(
        _ member: Digest32?, in key: Digest32?, _ window: UsageFact.Window,
        on ledger: any UsageLedger
    ) throws(StateError) -> Int? {
        guard let member, let key else { return nil }
        try ledger.see(member, in: key, at: now, until: now + UsageFact.Window.day.seconds)
        return try ledger.seenCount(in: key, since: now - window.seconds + 1)
    }

    private func sequence(on ledger: any UsageLedger) throws(StateError) -> Int? {
        guard let number = keys.number else { return nil }
        let key = keys.tool("sequence", tool)
        let before = try ledger.sequence(of: key)
        guard counts else { return before?.length }
        let after = before?.advanced(to: number) ?? UsageSequence(last: number)
        try ledger.keep(after, for: key, until: now + UsageFact.Window.day.seconds)
        return after.length
    }

    private func countHour(on ledger: any UsageLedger) throws(StateError) -> [UsageBucket] {
        let key = keys.caller("hours")
        let start = now - now % 3_600
        if counts {
            try ledger.add(1, to: key, bucket: start, until: start + Self.week + 3_600)
        }
        return try ledger.buckets(of: key, from: start - Self.week)
    }
}

/// What a caller usually does, by the calls of each hour of a week.
struct UsageHabits {
    /// Less is no habit.
    private static let hoursMin = 5
    private static let daysMin = 3

    private let current: Int
    private let before: [UsageBucket]
    private let hour: Int

    init(_ buckets: [UsageBucket], now: Int) {
        let start = now - now % 3_600
        current = buckets.first { $0.start == start }?.amount ?? 0
        before = buckets.filter { $0.start < start }
        hour = start / 3_600
    }

    /// With one decimal.
    var spike: JSONNumber? {
        guard before.count >= Self.hoursMin else { return nil }
        let total = before.reduce(0) { $0 + $1.amount }
        guard total > 0 else { return nil }
        let (product, overflow) = (current * 10).multipliedReportingOverflow(by: before.count)
        guard !overflow else { return nil }
        let tenths = product / total
        return JSONNumber(validated: "\(tenths / 10).\(tenths % 10)")
    }

    /// The caller was there on some other days, and never within an hour of this time of day.
    var isUnusual: Bool? {
        // What they did in the last hours of the same sitting says nothing of other days.
        let others = before.filter { hour - $0.start / 3_600 > 12 }
        guard Set(others.map { $0.start / 86_400 }).count >= Self.daysMin else { return nil }
        return !others.contains { bucket in
            let distance = abs(bucket.start / 3_600 % 24 - hour % 24)
            return min(distance, 24 - distance) <= 1
        }
    }
}
