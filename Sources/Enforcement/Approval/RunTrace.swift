package import JSON

/// By what a backend can be asked later what became of a run.
package enum RunTrace: Sendable {
    case transaction(TransactionMark)
    /// Sent with the request; the service behind it may know it.
    case idempotencyKey(String)
}

/// One transaction of one cluster of Postgres.
package struct TransactionMark: Sendable {
    package let number: String
    /// After a failover the same number may be another transaction's.
    package let timeline: String
    /// Of the server, from its start or its last crash.
    package let run: String
    package let cluster: String

    package init(number: String, timeline: String, run: String, cluster: String) {
        self.number = number
        self.timeline = timeline
        self.run = run
        self.cluster = cluster
    }
}

package enum RunFate: Sendable {
    case made, notMade
    /// The backend is still at work on it.
    case underway
    case unreachable
    /// The backend does not know any more, or is another one.
    case unknowable
}

/// Told before a change becomes final.
package protocol RunWitness: Sendable {
    /// On disk when this returns; false where that failed, and then the change must not be made.
    func note(_ trace: RunTrace) async -> Bool
}

extension CallRunner {
    /// What became of a run, long after it. Most backends cannot say.
    package func fate(of mark: TransactionMark, on backend: Name) async -> RunFate { .unknowable }
}

extension RunTrace {
    var json: JSONValue {
        switch self {
        case .transaction(let mark):
            [
                "transaction": .string(mark.number), "timeline": .string(mark.timeline),
                "run": .string(mark.run), "cluster": .string(mark.cluster),
            ]
        case .idempotencyKey(let key): ["idempotencyKey": .string(key)]
        }
    }

    init?(_ value: JSONValue?) {
        if let key = value?["idempotencyKey"]?.string {
            self = .idempotencyKey(key)
            return
        }
        guard let number = value?["transaction"]?.string,
            let timeline = value?["timeline"]?.string, let run = value?["run"]?.string,
            let cluster = value?["cluster"]?.string
        else { return nil }
        self = .transaction(
            TransactionMark(number: number, timeline: timeline, run: run, cluster: cluster))
    }

    /// How a person finds out.
    package var advice: String {
        switch self {
        case .transaction(let mark):
            "in the database, select pg_xact_status('\(mark.number)') says what became of its transaction"
        case .idempotencyKey(let key):
            "it was sent with Idempotency-Key \(key), by which the service can find it"
        }
    }
}
