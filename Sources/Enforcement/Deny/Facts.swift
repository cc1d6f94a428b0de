import JSON

/// The values that a call gives to a fact. A fact with several values meets a test when any does.
struct Facts {
    let call: ExaminedCall

    private var arrived: ArrivedCall { call.scoped.arrived }
    private var caller: Caller { call.scoped.caller }
    private var tool: Tool { call.scoped.tool }

    /// The values of a fact that is the same for every call of a tool; nil for other facts.
    static func values(of fact: Fact, for tool: Tool) -> [JSONValue]? {
        switch fact {
        case .toolName: [.string(tool.name.text)]
        case .toolEffect: [.string(tool.effect.rawValue)]
        case .toolTags: tool.tags.map { .string($0.text) }
        case .backend: [.string(tool.backend.text)]
        default: nil
        }
    }

    func values(of fact: Fact) -> [JSONValue] {
        switch fact {
        case .callerSubject: [.string(caller.subject)]
        case .callerIssuer: [.string(caller.issuer)]
        case .callerKind: [.string(caller.kind.rawValue)]
        case .callerGroups: caller.groups.map { .string($0.text) }
        case .callerClaim(let name): Self.flattened(caller.claims[name])
        case .clientID: caller.clientID.map { [.string($0)] } ?? []
        case .clientAddress:
            arrived.via.address.utf8.isEmpty ? [] : [.string(arrived.via.address)]
        case .toolName, .toolEffect, .toolTags, .backend:
            Self.values(of: fact, for: tool) ?? []
        case .argument(let name): Self.flattened(arrived.arguments[name])
        case .anyArgument: Self.strings(in: .object(arrived.arguments))
        }
    }

    /// A list stands for its members.
    private static func flattened(_ value: JSONValue?) -> [JSONValue] {
        switch value {
        case nil: []
        case .array(let values): values
        case let value?: [value]
        }
    }

    /// Every string at any depth, member names too: text hides in both.
    private static func strings(in value: JSONValue) -> [JSONValue] {
        switch value {
        case .string: [value]
        case .array(let values): values.flatMap { strings(in: $0) }
        case .object(let object):
            object.members.flatMap { [.string($0.name)] + strings(in: $0.value) }
        case .null, .bool, .number: []
        }
    }
}
