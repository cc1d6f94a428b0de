import Enforcement
import JSON

/// How far one notice of one request is, as the store keeps it: whoever tells it next goes on from
/// there, and people can look.
struct NoticeDelivery: Sendable {
    enum Phase: String, Sendable { case waiting, delivered }

    static let backoffMax = 300
    /// Longer than one attempt takes, so that no two processes make the same one.
    static let attemptSeconds = 60

    let handle: Name
    var phase = Phase.waiting
    var attempts = 0
    /// Not before.
    var next: Int
    /// Why the last attempt did not arrive.
    var failure: String?

    init(handle: Name, now: Int) {
        self.handle = handle
        next = now
    }

    /// nil for what this build did not write.
    init?(_ entry: StateEntry) {
        guard entry.kind == .notice, let phase = Phase(rawValue: entry.phase.text),
            let value = try? JSONParser.parse(entry.body), let handle = value["handle"]?.string,
            let attempts = value["attempts"]?.int, let next = value["next"]?.int
        else { return nil }
        self.handle = Name(handle)
        self.phase = phase
        self.attempts = attempts
        self.next = next
        failure = value["failure"]?.string
    }

    var body: [UInt8] {
        var value = JSONObject()
        value["handle"] = .string(handle.text)
        value["attempts"] = .number(JSONNumber(attempts))
        value["next"] = .number(JSONNumber(next))
        value["failure"] = failure.map { .string($0) }
        return JSONValue.object(value).bytes
    }

    func stored(in entry: StateEntry) -> StateEntry {
        var entry = entry
        entry.phase = Name(phase.rawValue)
        entry.body = body
        return entry
    }

    mutating func begin(now: Int) {
        attempts += 1
        next = now + Self.attemptSeconds
    }

    mutating func fail(_ reason: String, now: Int, after seconds: Int?) {
        failure = reason
        let backoff = min(Self.backoffMax, 1 << min(attempts, 9))
        next = now + max(backoff, seconds ?? 0)
    }
}
