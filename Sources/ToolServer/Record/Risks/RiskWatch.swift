// Who in this record does what somebody does who abuses what they may?
//
// Every call is read once, in order, and judged by what the same caller did before it. Nothing is
// learned from others and nothing is guessed: each finding names the calls that made it up, so that
// a person can look. Memory is bounded by how many callers, tokens and questions are watched.

import Enforcement
import JSON

/// Whoever a finding is about.
struct RiskSubject: Hashable {
    /// Of a stranger the address.
    let name: Name
    /// The person behind an agent.
    let person: Name?
    /// Nil for a stranger.
    let issuer: Name?

    var text: String {
        guard issuer != nil else { return "strangers from \(name)" }
        return person.map { "\(name) for \($0)" } ?? name.text
    }
}

struct RiskWatch {
    private(set) var findings: [(subject: RiskSubject, finding: RiskFinding)] = []
    private(set) var calls = 0
    private var callers = Watched<RiskSubject, CallerWatch>(limit: 10_000)
    /// Apart, since anybody can make many of them.
    private var strangers = Watched<RiskSubject, DenialsDetector>(limit: 10_000)

    /// Beyond these the lesser ones are forgotten.
    private static let findingsMax = 10_000
    private static let strangersMin = 20

    mutating func take(_ entry: RecordedEntry, log: String) {
        guard let call = WatchedCall(entry, log: log) else { return }
        guard let name = entry.subject else {
            let address = Name(entry.text("address") ?? "")
            let subject = RiskSubject(name: address, person: nil, issuer: nil)
            return note(
                strangers.take(call, of: subject) { DenialsDetector(over: Self.strangersMin) })
        }
        calls += 1
        let subject = RiskSubject(
            name: Name(name), person: entry.person.map { Name($0) },
            issuer: Name(entry["caller"]?["issuer"]?.string ?? ""))
        note(callers.take(call, of: subject) { CallerWatch() })
    }

    mutating func finish() {
        note(callers.end())
        note(strangers.end())
    }

    private mutating func note(_ found: [(subject: RiskSubject, finding: RiskFinding)]) {
        findings += found
        guard findings.count > 2 * Self.findingsMax else { return }
        findings.sort { $0.finding.score > $1.finding.score }
        findings.removeLast(findings.count - Self.findingsMax)
    }
}

/// All signs of one caller.
private struct CallerWatch: RiskDetector {
    private var hours = HoursDetector()
    private var volume = VolumeDetector()
    private var denials = DenialsDetector(over: 5)
    private var places = Watched<Name, PlacesDetector>(limit: 64)
    private var questions = Watched<Question, KeysDetector>(limit: 64)

    private struct Question: Hashable {
        let tool: Name
        let shape: Name
    }

    mutating func take(_ call: WatchedCall) -> [RiskFinding] {
        var found = hours.take(call) + volume.take(call) + denials.take(call)
        if let token = call.token {
            found += places.take(call, of: token) { PlacesDetector(of: token) }.map(\.finding)
        }
        // Who is refused finds out nothing about a key.
        guard !call.form.values.isEmpty, !call.isRefused else { return found }
        let question = Question(tool: call.tool, shape: call.form.shape)
        return found + questions.take(call, of: question) { KeysDetector() }.map(\.finding)
    }

    mutating func end() -> [RiskFinding] {
        hours.end() + volume.end() + denials.end() + places.end().map(\.finding)
            + questions.end().map(\.finding)
    }
}

/// Several of one kind that are watched; at the limit, those that were quiet for longest end.
private struct Watched<Key: Hashable, Detector: RiskDetector> {
    typealias Found = (subject: Key, finding: RiskFinding)

    private let limit: Int
    private var watched: [Key: (detector: Detector, lastAt: Int)] = [:]

    init(limit: Int) { self.limit = limit }

    mutating func take(
        _ call: WatchedCall, of key: Key, make: () -> Detector
    ) -> [Found] {
        var found: [Found] = []
        if watched[key] == nil {
            if watched.count >= limit { found = dropQuietest() }
            watched[key] = (make(), call.at)
        }
        watched[key]?.lastAt = call.at
        found += (watched[key]?.detector.take(call) ?? []).map { (key, $0) }
        return found
    }

    mutating func end() -> [Found] {
        var found: [Found] = []
        for key in Array(watched.keys) { found += end(key) }
        watched = [:]
        return found
    }

    /// A quarter of them, so that this is rare.
    private mutating func dropQuietest() -> [Found] {
        let quietest = watched.sorted { $0.value.lastAt < $1.value.lastAt }
            .prefix(max(1, limit / 4)).map(\.key)
        var found: [Found] = []
        for key in quietest {
            found += end(key)
            watched[key] = nil
        }
        return found
    }

    private mutating func end(_ key: Key) -> [Found] {
        (watched[key]?.detector.end() ?? []).map { (key, $0) }
    }
}
