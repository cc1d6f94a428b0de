import Enforcement
import JSON

/// One of `access` in a policy file: what may be asked for, for a while.
struct AccessManifest {
    static let keys = KeySet(
        required: ["access", "to", "longest", "reason", "approvers"],
        optional: [
            "grant", "tools", "where", "expires", "hold", "escalate", "force", "callerReason",
            "cases",
        ])

    /// Without its tools, which are found when those are known.
    let offer: AccessOffer
    let scopes: [Located<Name>]
    let tools: [Located<Name>]
    let to: GrantManifest.Recipients
    let place: Place

    func covers(_ tool: Tool) -> Bool {
        let isOfScopes =
            scopes.isEmpty || scopes.contains { Glob.matches($0.value.text, tool.scope.text) }
        return isOfScopes
            && (tools.isEmpty || tools.contains { Glob.matches($0.value.text, tool.name.text) })
    }
}

extension PolicyManifest {
    mutating func readAccess(_ node: Node) {
        guard let object = node.object(AccessManifest.keys) else { return }
        let id = identifier(of: object, as: "access")
        let longest = object["longest"]?.duration(
            in: .seconds(60)...(.seconds(AccessOffer.longestMax)))
        let reason = object["reason"]?.prose(atMost: 500)
        let condition = object["where"].map { Self.askingCondition($0) }
        var demand = approval(of: object, id)
        // Who lends something wants to know for what.
        if object["callerReason"] == nil { demand?.wantsReason = true }
        readCases(object, of: id, .approve)
        guard let scopes = GrantManifest.scopes(object["grant"]),
            let tools = GrantManifest.tools(object["tools"]),
            let to = object["to"].flatMap({
                GrantManifest.grantees($0, keys: GrantManifest.toKeys)
            }), let id, let longest, let reason, let demand
        else { return }
        if object["grant"] == nil, object["tools"] == nil {
            node.report("must name scopes in `grant`, or `tools`")
        }
        // A condition that cannot be read is a problem already; it must not be dropped.
        if case .some(.none) = condition { return }
        access.append(
            AccessManifest(
                offer: AccessOffer(
                    id: id, tools: [], to: to.named, where: condition ?? nil,
                    longest: Int(longest.components.seconds), demand: demand, reason: reason,
                    place: node.place.reference),
                scopes: scopes, tools: tools, to: to.recipients, place: node.place))
    }

    /// Asked of callers, when they ask and at each call: one answer must hold for both.
    private static func askingCondition(_ node: Node) -> Condition? {
        guard let condition = Condition.read(node) else { return nil }
        let isOfCaller = !condition.asks { fact in
            switch fact {
            case .callerSubject, .callerIssuer, .callerKind, .callerGroups, .callerPerson,
                .callerEmail, .callerClaim, .clientID, .clientAddress, .time:
                false
            default: true
            }
        }
        if isOfCaller { return condition }
        node.report(
            "says who may ask, and may test `caller.…`, `client.…` and `time.hours` only; say the rest by a rule that denies"
        )
        return nil
    }
}

extension PolicyResolver {
    /// Each with the tools that it is about by name.
    func offers(_ sources: IdentitySources?) -> [AccessOffer] {
        manifests.policy.access.map { entry in
            var offer = entry.offer
            offer.tools = tools.filter { entry.covers($0) }.map(\.name).sorted()
            if let sources {
                offer.to.issuers = sources.issuers(of: entry.to, findings)
                if let named = manifests.policy.approvers[offer.id] {
                    offer.demand.issuers = sources.issuers(of: named, findings)
                }
            }
            if offer.tools.isEmpty {
                findings.warning("covers no tool: nobody can ask for anything", at: entry.place)
            }
            return offer
        }
    }
}
