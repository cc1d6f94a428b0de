import JSON

/// The values that a call gives to a fact. A fact with several values meets a test when any does.
struct Facts {
    /// What is known of one fact.
    struct Known {
        var values: [JSONValue]
        /// False where there may be more values that nobody could find out.
        var isComplete = true
        /// Whether letters of either case are one, as the backend has it.
        var foldsNames = false
    }

    let call: ExaminedCall
    private let moment: Moment
    private let memory = Memory()
    /// What another call of this caller would touch, of which nothing else is known.
    private let supposed: StatementFacts?

    init(
        call: ExaminedCall, at moment: Moment = Moment(), supposing facts: StatementFacts? = nil
    ) {
        self.call = call
        self.moment = moment
        supposed = facts
    }

    /// What many rules ask of one call is found once. By place and not by name: two arguments whose
    /// names are only canonically equivalent are two.
    private final class Memory {
        var found: [Known?] = Array(repeating: nil, count: Fact.remembered)
    }

    /// What the record says in place of values; nil for a call that is being made.
    var recorded: RecordedFacts? { arrived.recorded }

    private var arrived: ArrivedCall { call.scoped.arrived }
    private var caller: Caller { call.scoped.caller }
    private var tool: Tool { call.scoped.tool }

    /// What is known of a fact that is the same for every call of a tool; nil for other facts.
    static func known(_ fact: Fact, of tool: Tool) -> Known? {
        switch fact {
        case .toolName: Known(values: [.string(tool.name.text)])
        case .toolEffect: Known(values: [.string(tool.effect.rawValue)])
        case .toolTags: Known(values: tool.tags.map { .string($0.text) })
        case .backend: Known(values: [.string(tool.backend.text)])
        case .statement(let part) where tool.operation.isSettledAtLoad:
            known(part, in: tool.examination, of: tool.operation)
        case .httpMethod, .httpHost, .httpPath:
            if case .http = tool.operation { nil } else { Known(values: []) }
        default: nil
        }
    }

    func known(_ fact: Fact) -> Known {
        if let supposed { return known(fact, supposing: supposed) }
        return switch fact {
        case .toolName, .toolEffect, .toolTags, .backend:
            Self.known(fact, of: tool) ?? Known(values: [])
        case .statement(let part): Self.known(part, in: call.examination, of: tool.operation)
        case .usage(let usage): moment.known(usage)
        default: remembered(fact)
        }
    }

    private func known(_ fact: Fact, supposing statement: StatementFacts) -> Known {
        switch fact {
        case .statement(let part): Self.known(part, in: statement)
        case .toolName, .toolEffect, .toolTags, .argument, .anyArgument, .httpMethod, .httpHost,
            .httpPath:
            Known(values: [], isComplete: false)
        case .backend: Known(values: [.string(tool.backend.text)])
        case .usage(let usage): moment.known(usage)
        default: remembered(fact)
        }
    }

    private func remembered(_ fact: Fact) -> Known {
        guard let place = fact.place else { return Known(values: values(of: fact)) }
        if let known = memory.found[place] { return known }
        let known = Known(values: values(of: fact))
        memory.found[place] = known
        return known
    }

    /// What a statement is found to do; where there is none it does nothing, and where nobody
    /// looked it may do anything.
    static func known(
        _ fact: Fact, in examination: Examination, of operation: Operation
    ) -> Known? {
        guard case .statement(let part) = fact else { return nil }
        return known(part, in: examination, of: operation)
    }

    static func known(
        _ fact: StatementFact, in examination: Examination, of operation: Operation
    ) -> Known {
        guard let statement = examination.statement else {
            return Known(values: [], isComplete: !operation.isStatement)
        }
        return known(fact, in: statement)
    }

    private static func known(_ fact: StatementFact, in statement: StatementFacts) -> Known {
        if fact.isNumber {
            let number = statement.number(of: fact)
            return Known(values: number.map { [.number($0)] } ?? [], isComplete: number != nil)
        }
        let finding = statement.finding(of: fact)
        return Known(
            values: finding.values.sorted().map { .string($0.text) },
            isComplete: finding.isComplete, foldsNames: statement.foldsNames)
    }

    func values(of fact: Fact) -> [JSONValue] {
        switch fact {
        case .callerSubject, .callerIssuer, .callerKind, .callerGroups, .callerPerson,
            .callerEmail, .callerClaim, .clientID:
            caller.values(of: fact)
        case .clientAddress: arrived.via.values
        case .time: [.number(JSONNumber(call.scoped.at))]
        case .toolName, .toolEffect, .toolTags, .backend, .statement, .usage: known(fact).values
        case .argument(let name): Self.flattened(arrived.arguments[name])
        case .anyArgument: Self.readings(of: Self.strings(in: .object(arrived.arguments)))
        case .httpMethod: request.map { [.string($0.method)] } ?? []
        case .httpHost: request.map { [.string($0.host)] } ?? []
        case .httpPath:
            request.map { [.string($0.canonicalPath)] } ?? []
        }
    }

    /// Every call of an HTTP tool has one.
    private var request: OutboundRequest? {
        if case .http(let request) = call.request { request } else { nil }
    }

    /// A list stands for its members.
    static func flattened(_ value: JSONValue?) -> [JSONValue] {
        switch value {
        case nil: []
        case .array(let values): values
        case let value?: [value]
        }
    }

    /// Each text as it came and, where that differs, as a person reads it: a rule about words must
    /// not be evaded by capitals, wide letters and characters that nobody sees.
    private static func readings(of texts: [JSONValue]) -> [JSONValue] {
        texts.flatMap { value -> [JSONValue] in
            guard let text = value.string else { return [value] }
            let folded = PathReading.folded(text)
            return folded.isByteEqual(to: text) ? [value] : [value, .string(folded)]
        }
    }

    /// Every string at any depth, member names too: text hides in both.
    static func strings(in value: JSONValue) -> [JSONValue] {
        switch value {
        case .string: [value]
        case .array(let values): values.flatMap { strings(in: $0) }
        case .object(let object):
            object.members.flatMap { [.string($0.name)] + strings(in: $0.value) }
        case .null, .bool, .number: []
        }
    }
}

extension Fact {
    fileprivate static let remembered = 12

    /// Where the memory of a call keeps it; nil for facts that have a name in them.
    fileprivate var place: Int? {
        switch self {
        case .callerSubject: 0
        case .callerIssuer: 1
        case .callerKind: 2
        case .callerGroups: 3
        case .clientID: 4
        case .clientAddress: 5
        case .anyArgument: 6
        case .httpMethod: 7
        case .httpHost: 8
        case .httpPath: 9
        case .callerPerson: 10
        case .callerEmail: 11
        case .callerClaim, .argument, .toolName, .toolEffect, .toolTags, .backend, .statement,
            .time, .usage:
            nil
        }
    }
}

extension Caller {
    /// Of a fact that is about callers; empty for others.
    func values(of fact: Fact) -> [JSONValue] {
        switch fact {
        case .callerSubject: [.string(subject)]
        case .callerIssuer: [.string(issuer)]
        case .callerKind: [.string(kind.rawValue)]
        case .callerGroups: groups.map { .string($0.text) }
        case .callerPerson: [.string(onBehalfOf ?? subject)]
        case .callerEmail: email.map { [.string($0)] } ?? []
        case .callerClaim(let name): Facts.flattened(claims[name])
        case .clientID: clientID.map { [.string($0)] } ?? []
        default: []
        }
    }
}

extension Transport {
    /// The peer's address, where there is one.
    var values: [JSONValue] { address.utf8.isEmpty ? [] : [.string(address)] }
}
