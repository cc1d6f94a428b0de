package import JSON

/// Tools that a caller may use until a time ends, because people said so.
package struct AccessGrant: Sendable {
    package enum Phase: String, Sendable { case granted, revoked }

    package let id: Name
    /// Whose it is, as they were when they asked. What counts of it is who they are.
    package let caller: Caller
    package let tools: [Name]
    /// The offers under which they asked: it holds as long as one of these does, for them.
    package let offers: [Name]
    /// Seconds since 1970.
    package let from: Int
    package let until: Int
    package let approvers: [Person]
    /// Whoever may decide about such requests may end it.
    package let deciders: [Grantees]
    package let reason: String?
    package var phase = Phase.granted
    package var revoked: Revocation?

    package struct Revocation: Sendable {
        package var at: Int
        package var by: Person
    }

    /// The same for every attempt to run what was approved, so that one approval grants once.
    static func id(of approval: Name) -> Name { Name("gra_" + approval.text.dropFirst(4)) }

    /// A clock that was set back prolongs nothing: by then it does not hold at all.
    func isLive(at now: Int) -> Bool {
        phase == .granted && now < until && from - Self.leeway <= now
    }

    /// In seconds: how far a clock may go back by itself.
    private static let leeway = 60

    /// Whether this person may end it: whoever may decide, whose it is, or for whom they act.
    func mayEnd(_ person: Caller) -> Bool {
        if person.principal == caller.principal { return true }
        guard person.kind == .human, person.onBehalfOf == nil else { return false }
        let isBehind =
            person.issuer.isByteEqual(to: caller.issuer)
            && caller.onBehalfOf.map { person.subject.isByteEqual(to: $0) } ?? false
        return isBehind || deciders.contains { $0.include(person) }
    }

    var entry: StateEntry {
        StateEntry(
            kind: .grant, id: id, owner: caller.principal, phase: Name(phase.rawValue),
            expires: until, body: body)
    }
}

/// As the store keeps it.
extension AccessGrant {
    var body: [UInt8] {
        var value = JSONObject()
        value["caller"] = ApprovalRequest.value(of: caller)
        value["tools"] = tools.json
        value["offers"] = offers.json
        value["from"] = .number(JSONNumber(from))
        value["until"] = .number(JSONNumber(until))
        value["approvers"] = .array(approvers.map(\.json))
        value["deciders"] = .array(
            deciders.map {
                ["groups": $0.groups.json, "issuers": ApprovalRequest.value(of: $0.issuers)]
            })
        value["reason"] = reason.map { .string($0) }
        value["revoked"] = revoked.map {
            ["at": .number(JSONNumber($0.at)), "by": $0.by.json]
        }
        return JSONValue.object(value).bytes
    }

    /// nil for what this build did not write, and for what is somebody else's than it says.
    init?(_ entry: StateEntry) {
        guard entry.kind == .grant, let value = try? JSONParser.parse(entry.body),
            let phase = Phase(rawValue: entry.phase.text),
            let caller = ApprovalRequest.caller(value["caller"]),
            caller.principal == entry.owner,
            let tools = [Name](value["tools"]), let offers = [Name](value["offers"]),
            let from = value["from"]?.int, let until = value["until"]?.int,
            let approvers = value["approvers"]?.array?.compactMap({ Person($0) }),
            let deciders = value["deciders"]?.array?.compactMap({ Self.decider($0) }),
            (value["revoked"] == nil) == (phase == .granted)
        else { return nil }
        id = entry.id
        self.caller = caller
        self.tools = tools
        self.offers = offers
        self.from = from
        self.until = until
        self.approvers = approvers
        self.deciders = deciders
        reason = value["reason"]?.string
        self.phase = phase
        if let end = value["revoked"], let at = end["at"]?.int, let by = Person(end["by"]) {
            revoked = Revocation(at: at, by: by)
        }
    }

    private static func decider(_ value: JSONValue) -> Grantees? {
        guard let groups = [Name](value["groups"]),
            let issuers = ApprovalRequest.issuers(value["issuers"])
        else { return nil }
        return Grantees(groups: groups, of: issuers)
    }
}
