import Enforcement
import JSON

/// What a rule of effect `approve` says of the people who decide.
extension PolicyManifest {
    mutating func approval(of object: ObjectReader, _ id: Name?) -> ApprovalDemand? {
        let approvers = object["approvers"]?.object(Self.approverKeys)
        let issuers = approvers?["issuer"].map { GrantManifest.issuers($0) }
        if case .some(.none) = issuers { return nil }
        if let id, let place = object["approvers"]?.place {
            self.approvers[id] = GrantManifest.Recipients(place: place, issuers: issuers ?? nil)
        }
        let groups = approvers?["groups"]?.names { $0.identity() }
        let count = approvers?["count"].map { $0.int(in: 1...10) } ?? 1
        let expires =
            object["expires"].map { $0.duration(in: .seconds(1)...(.seconds(7 * 86_400))) }
            ?? .seconds(ApprovalDemand.expiresStandard)
        let hold =
            object["hold"].map { $0.duration(in: .zero...(.seconds(240))) }
            ?? ApprovalDemand.holdStandard
        guard let groups, let count, let expires, let hold else { return nil }
        var demand = ApprovalDemand(
            groups: groups, count: count, expires: max(1, Int(expires.components.seconds)),
            hold: hold)
        if let node = object["escalate"] {
            guard let escalation = Self.escalation(node, within: demand.expires) else { return nil }
            demand.escalation = escalation
        }
        if let node = object["force"] {
            let groups = node.object(Self.forceKeys)?["groups"]?.names { $0.identity() }
            guard let groups else { return nil }
            demand.force = groups
        }
        if let node = object["callerReason"] {
            guard let word = node.choice(among: ["required", "optional"]) else { return nil }
            demand.wantsReason = word.isByteEqual(to: "required")
        }
        return demand
    }

    /// The same of a rule about calls, whose data there is to look at.
    mutating func approvalOfCalls(_ object: ObjectReader, _ id: Name?) -> ApprovalDemand? {
        var demand = approval(of: object, id)
        if let node = object["preview"] {
            let words = ApprovalDemand.Preview.allCases.map(\.rawValue)
            guard let word = node.choice(among: words) else { return nil }
            demand?.preview = ApprovalDemand.Preview(rawValue: word)
        }
        return demand
    }

    private static func escalation(
        _ node: Node, within expires: Int
    ) -> ApprovalDemand.Escalation? {
        let object = node.object(escalateKeys)
        let groups = object?["groups"]?.names { $0.identity() }
        let after = object?["after"]?.duration(in: .seconds(1)...(.seconds(7 * 86_400)))
        guard let groups, let after else { return nil }
        let seconds = Int(after.components.seconds)
        guard seconds < expires else {
            object?["after"]?.report("must be before the request expires")
            return nil
        }
        return ApprovalDemand.Escalation(after: seconds, groups: groups)
    }
}
