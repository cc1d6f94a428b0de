import JSON

/// What a caller can do after a rule's refusal when its author says nothing: change what the rule
/// looks at. It names facts and arguments, never what the rule compares them with.
struct NextStep {
    let text: String

    init(after rule: Rule, of tool: Tool) {
        // Of a tool that brings its own statement no call can change it.
        let writesStatement = if case .freeSQL = tool.operation { true } else { false }
        var changes: [String] = []
        var asksTime = false
        for fact in rule.when.facts {
            guard let change = Self.change(of: fact, writesStatement) else {
                if case .time = fact { asksTime = true }
                continue
            }
            if !changes.contains(where: { $0.isByteEqual(to: change) }) { changes.append(change) }
        }
        if !changes.isEmpty {
            text = "Change \(changes.joined(separator: " or ")), or use another tool."
        } else if rule.when.asksUsage {
            text = "Try again later: it looks at what was called before."
        } else if asksTime {
            text = "Try again at another time, or use another tool."
        } else {
            text = "Use another tool: other arguments change nothing here."
        }
    }

    /// Nil for what no argument changes.
    private static func change(of fact: Fact, _ writesStatement: Bool) -> String? {
        switch fact {
        case .argument(let name): "the argument `\(name)`"
        case .anyArgument: "the texts in the arguments"
        case .httpMethod, .httpHost, .httpPath: "where the arguments send the request"
        case .statement(let fact): writesStatement ? change(of: fact) : nil
        case .callerSubject, .callerIssuer, .callerKind, .callerGroups, .callerPerson, .callerEmail,
            .callerClaim, .clientID, .clientAddress, .toolName, .toolEffect, .toolTags, .backend,
            .time, .usage:
            nil
        }
    }

    private static func change(of fact: StatementFact) -> String {
        switch fact {
        case .kind: "what the statement does"
        case .reads, .writes: "which relations the statement touches"
        case .columns: "which columns the statement uses"
        case .functions: "which functions the statement calls"
        case .whereless: "the WHERE of the statement"
        case .rows, .cost: "how much the statement reads"
        }
    }
}

extension Condition {
    /// All that it looks at, in the order of its text.
    fileprivate var facts: [Fact] {
        switch self {
        case .fact(let fact, _): [fact]
        case .all(let parts), .any(let parts): parts.flatMap(\.facts)
        case .not(let part): part.facts
        }
    }
}
