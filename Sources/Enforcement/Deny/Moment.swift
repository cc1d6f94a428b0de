package import JSON

/// What is true of the moment of a call, and not of the call: what its caller did before.
package struct Moment: Sendable {
    /// What was asked for and has a value; nil where nobody could count.
    package var usage: [UsageFact: JSONValue]?

    package init(usage: [UsageFact: JSONValue]? = nil) { self.usage = usage }

    func known(_ fact: UsageFact) -> Facts.Known {
        // Where nobody counted there may be anything.
        guard let usage else { return Facts.Known(values: [], isComplete: false) }
        return Facts.Known(values: usage[fact].map { [$0] } ?? [])
    }
}
