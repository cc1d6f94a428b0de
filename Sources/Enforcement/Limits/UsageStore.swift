// Who did how much, for longer than a process lives?
//
// Counts are kept by keys that say nothing of whom they are about. Several processes share one
// store, so what is read and then decided on is one transaction.

package protocol UsageStore: Sendable {
    /// One transaction on what all processes have counted.
    func perform<Value: Sendable>(
        _ body: @escaping UsageWork<Value>
    ) async throws(StateError) -> Value

    /// The same for who needs no answer. It is done before whatever is asked later, here; what
    /// cannot be done is done before the next `perform` answers.
    func post(_ body: @escaping UsageWork<Void>)
}

package typealias UsageWork<Value> =
    @Sendable (_ ledger: any UsageLedger) throws(StateError) -> Value

package protocol UsageLedger {
    /// Those that begin at `first` or later.
    func buckets(of key: Digest32, from first: Int) throws(StateError) -> [UsageBucket]

    func add(
        _ amount: Int, to key: Digest32, bucket start: Int, until expires: Int
    ) throws(StateError)

    /// Remembers when a member of a set was last seen; not beyond `UsageLimits.membersMax`.
    func see(
        _ member: Digest32, in key: Digest32, at now: Int, until expires: Int
    ) throws(StateError)

    /// How many members were seen at `since` or later.
    func seenCount(in key: Digest32, since: Int) throws(StateError) -> Int

    func sequence(of key: Digest32) throws(StateError) -> UsageSequence?

    func keep(
        _ sequence: UsageSequence, for key: Digest32, until expires: Int
    ) throws(StateError)
}

package struct UsageBucket: Sendable, Equatable {
    package var start: Int
    package var amount: Int

    package init(start: Int, amount: Int) {
        self.start = start
        self.amount = amount
    }
}

/// A number that moves in equal steps.
package struct UsageSequence: Sendable, Equatable {
    package var last: Int
    package var step: Int
    package var length: Int

    package init(last: Int, step: Int = 0, length: Int = 1) {
        self.last = last
        self.step = step
        self.length = length
    }

    /// After one more number.
    func advanced(to value: Int) -> UsageSequence {
        let (step, overflow) = value.subtractingReportingOverflow(last)
        if overflow || step == 0 { return UsageSequence(last: value, step: 0, length: 1) }
        return UsageSequence(last: value, step: step, length: step == self.step ? length + 1 : 2)
    }
}

package enum UsageLimits {
    /// Of one set; a count says no more than this.
    package static let membersMax = 1_000
}
