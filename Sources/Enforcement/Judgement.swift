package import JSON

/// What the gate would do with a call, with everything that led there. Only a statement: nothing
/// was run, and nothing can be run on it.
package struct Judgement: Sendable, CallWitness {
    package enum Decision: String, Sendable { case allow, approve, deny }

    static var wantsRequest: Bool { true }

    package private(set) var decision = Decision.allow
    /// Why not, for `deny`.
    package private(set) var refusal: Refusal?
    /// The rules that ask for a person, for `approve`; the first is told.
    package private(set) var holding: [Rule] = []
    /// Nil when the call was refused before that was known.
    private var examined: ExaminedCall?
    /// The rules of effect `limit` that count the call.
    package private(set) var limiting: [Rule] = []
    /// The rules that would have matched, and only observe.
    package private(set) var observing: [Rule] = []
    private let moment: Moment

    init(at moment: Moment) { self.moment = moment }

    /// Exactly what would be sent.
    package var request: BackendRequest? { examined?.request }

    package var rules: [Name] { refusal?.rules ?? holding.map(\.id) }

    /// The columns of the answer that this caller would see covered.
    package var maskedColumns: [String] {
        guard let examined else { return [] }
        return examined.examination.columns.indices.compactMap { index in
            let cover = examined.masks.cover(over: index, for: examined.scoped.caller)
            return cover == nil ? nil : examined.examination.columns[index].name
        }
    }

    /// What rules see of the call, fact by fact; nothing when it was refused before they looked.
    package func values(of facts: [Fact]) -> [[JSONValue]] {
        guard let examined else { return facts.map { _ in [] } }
        let known = Facts(call: examined, at: moment)
        return facts.map { known.values(of: $0) }
    }

    mutating func found(_ call: ScopedCall) {}

    mutating func examined(_ call: ExaminedCall) { examined = call }

    mutating func judged(at moment: Moment) {}

    mutating func observed(_ rules: [Rule]) { observing = rules }

    mutating func hold(_ rules: [Rule], limiting: [Rule]) {
        holding = rules
        self.limiting = limiting
        if !rules.isEmpty { decision = .approve }
    }

    mutating func refuse(_ refusal: Refusal) {
        self.refusal = refusal
        decision = .deny
    }
}

extension Gate {
    /// For authors of rules: as if `caller` had called.
    package func judge(
        _ tool: String, _ arguments: JSONObject, as caller: Caller, from address: String = "",
        at moment: Moment = Moment(usage: [:])
    ) async -> Judgement {
        await judge(
            ArrivedCall(
                caller: .supposed(caller), tool: tool, arguments: arguments,
                via: Transport(kind: address.isEmpty ? .stdio : .http, address: address)),
            at: moment)
    }
}
