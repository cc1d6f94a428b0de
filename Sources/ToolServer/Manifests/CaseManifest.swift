import Enforcement
import JSON

/// A call that a rule's author has thought of, with what should become of it.
package struct RuleCase: Sendable {
    package enum Expected: String, Sendable, CaseIterable { case allow, deny, approve, limit }

    let rule: Name
    let tool: String
    let arguments: JSONObject
    /// The issuer is empty where none is named.
    let caller: Caller
    let address: String
    /// Seconds since 1970; nil is now.
    let moment: Int?
    let usage: [UsageFact: JSONValue]
    let expected: Expected
    /// Where it is written; the message is empty.
    let place: Problem
}

/// Reads the `cases` beside a rule.
enum CaseManifest {
    static let keys = KeySet(
        required: ["tool", "as", "expect"], optional: ["arguments", "from", "at", "usage"])
    static let callerKeys = KeySet(
        required: ["subject"], optional: ["groups", "issuer", "claims", "client", "kind"])

    static func read(_ node: Node, of rule: Name, _ effect: Rule.Effect) -> RuleCase? {
        guard let object = node.object(keys) else { return nil }
        let tool = object["tool"]?.name()
        let caller = object["as"].flatMap(caller)
        let arguments = object["arguments"].map(plainObject) ?? JSONObject()
        let address = object["from"].map { $0.prose(atMost: 64) } ?? ""
        let moment = object["at"].map { $0.moment() }
        let usage = object["usage"].map(usage) ?? [:]
        let word = object["expect"]?.choice(among: [effect.rawValue, "allow"])
        guard let tool, let caller, let arguments, let address, let usage,
            let expected = word.flatMap(RuleCase.Expected.init)
        else { return nil }
        if case .some(.none) = moment { return nil }
        return RuleCase(
            rule: rule, tool: tool.text, arguments: arguments, caller: caller, address: address,
            moment: moment ?? nil, usage: usage, expected: expected, place: node.place.problem(""))
    }

    private static func caller(_ node: Node) -> Caller? {
        guard let object = node.object(callerKeys) else { return nil }
        let subject = object["subject"]?.identity()
        let groups = object["groups"].map { $0.names { $0.identity() } } ?? []
        let issuer = object["issuer"].map { $0.prose(atMost: 512) } ?? ""
        let claims = object["claims"].map(plainObject) ?? JSONObject()
        let client = object["client"].map { $0.prose(atMost: 256) }
        let kind = object["kind"].map { $0.choice(among: ["human", "agent"]) } ?? "human"
        guard let subject, let groups, let issuer, let claims,
            let kind = kind.flatMap(Caller.Kind.init)
        else { return nil }
        if case .some(.none) = client { return nil }
        return Caller(
            issuer: issuer, subject: subject.text, kind: kind, clientID: client ?? nil,
            groups: groups, claims: claims)
    }

    private static func plainObject(_ node: Node) -> JSONObject? {
        guard node.members() != nil, case .object(let object) = node.value.plain() else {
            return nil
        }
        return object
    }

    /// `{"usage.calls.1h": 200}`.
    private static func usage(_ node: Node) -> [UsageFact: JSONValue]? {
        guard let members = node.members() else { return nil }
        var usage: [UsageFact: JSONValue] = [:]
        for member in members {
            let fact = UsageFact.all.first { $0.spelling.isByteEqual(to: member.name) }
            guard let fact else {
                let near = nearest(member.name, among: UsageFact.all.map(\.spelling))
                let hint = near.map { "; did you mean \(quoted($0))?" } ?? ""
                node.findings.problem(
                    "unknown fact \(quoted(member.name))\(hint)", at: member.namePlace)
                return nil
            }
            usage[fact] = member.node.value.plain()
        }
        return usage
    }
}
