import Enforcement
import JSON

/// One of `grants` in a policy file, and the `to` of grants and reveals.
enum GrantManifest {
    static let keys = KeySet(
        required: ["to"], optional: ["grant", "tools", "where", "from", "until"])
    static let toKeys = KeySet(required: [], optional: ["issuer", "groups", "subjects"])
    /// The word for issuers whose names mean the same people.
    static let anyIssuer = "any"

    /// What a grant declares, with what is tied to server.json and to tools later.
    struct Entry {
        let grant: Grant
        let scopes: [Located<Name>]
        let tools: [Located<Name>]
        let to: Recipients
    }

    /// Issuers as they are named; nil where none is.
    struct Recipients {
        let place: Place
        let issuers: [Located<Name>]?
    }

    static func read(_ node: Node) -> Entry? {
        guard let object = node.object(keys) else { return nil }
        let scopes = scopes(object["grant"])
        let tools = tools(object["tools"])
        if object["grant"] == nil, object["tools"] == nil {
            node.report("must name scopes in `grant`, or `tools`")
        }
        let condition = object["where"].map { self.condition($0) }
        let from = object["from"].map { $0.moment() }
        let until = object["until"].map { $0.moment() }
        guard let to = object["to"], let (named, recipients) = grantees(to, keys: toKeys),
            let scopes, let tools
        else { return nil }
        if let from = from ?? nil, let until = until ?? nil, until <= from {
            object["until"]?.report("must be after `from`")
        }
        // A condition that cannot be read is a problem already; it must not be dropped.
        if case .some(.none) = condition { return nil }
        let grant = Grant(
            scopes: all(scopes), tools: all(tools), groups: named.groups,
            subjects: named.subjects, where: condition ?? nil, from: from ?? nil,
            until: until ?? nil, place: node.place.reference)
        return Entry(grant: grant, scopes: scopes, tools: tools, to: recipients)
    }

    /// Who narrows nothing means everything.
    private static func all(_ names: [Located<Name>]) -> [Name] {
        names.isEmpty ? ["*"] : names.map(\.value)
    }

    static func scopes(_ node: Node?) -> [Located<Name>]? {
        patterns(node) { $0.name(also: ".:*", atMost: 128) }
    }

    static func tools(_ node: Node?) -> [Located<Name>]? {
        patterns(node) { $0.name(also: "*", atMost: 128) }
    }

    private static func patterns(
        _ node: Node?, _ read: (Node) -> Name?
    ) -> [Located<Name>]? {
        guard let node else { return [] }
        guard let elements = node.someElements() else { return nil }
        let names = elements.compactMap { $0.located(read) }
        return names.count == elements.count ? names : nil
    }

    static func grantees(
        _ node: Node, keys: KeySet
    ) -> (named: Grantees, recipients: Recipients)? {
        guard let object = node.object(keys) else { return nil }
        let groups = object["groups"].map { $0.names { $0.identity() } } ?? []
        let hasSubjects = keys.all.contains { $0.isByteEqual(to: "subjects") }
        let subjects = hasSubjects ? object["subjects"].map { $0.names { $0.identity() } } : nil
        if hasSubjects, object["groups"] == nil, object["subjects"] == nil {
            node.report("must name `groups` or `subjects`")
        }
        let issuers = object["issuer"].map { self.issuers($0) }
        guard let groups, let subjects = subjects ?? [] else { return nil }
        if case .some(.none) = issuers { return nil }
        return (
            Grantees(groups: groups, subjects: subjects),
            Recipients(place: node.place, issuers: issuers ?? nil)
        )
    }

    /// A name, or several.
    static func issuers(_ node: Node) -> [Located<Name>]? {
        var elements = [node]
        if case .array = node.value.content {
            guard let several = node.someElements() else { return nil }
            elements = several
        }
        let names = elements.compactMap { $0.located { $0.prose(atMost: 512).map { Name($0) } } }
        return names.count == elements.count ? names : nil
    }

    /// Grants are decided before a call is examined.
    private static func condition(_ node: Node) -> Condition? {
        guard let condition = Condition.read(node) else { return nil }
        guard !condition.needsExamination else {
            node.report(
                "tests what is known only when the call was examined; say it by a rule that denies"
            )
            return nil
        }
        return condition
    }
}

/// Whose word may count on this server.
struct IdentitySources {
    /// The issuer of operating-system users, in grants.
    static let localUser = "local-user"
    /// Names that mean something else here.
    static let reserved = [GrantManifest.anyIssuer, localUser]

    let names: [Name]
    /// Outside issuers, each by itself, and this installation: its tokens and its users are both
    /// named by whoever runs it.
    private let domainCount: Int

    init(_ server: ServerSettings) {
        let issuers = server.issuers.map { Name($0.rules.issuer) }
        names = issuers + (server.localUsers.isEmpty ? [] : [Name(Self.localUser)])
        let own = [Name(IssuerManifest.local), Name(Self.localUser)]
        let outside = names.filter { !own.contains($0) }.count
        domainCount = outside + (outside < names.count ? 1 : 0)
    }

    /// Whether a subject or a group needs an issuer to be somebody.
    var areSeveral: Bool { domainCount > 1 }

    /// Reports what binds to nobody, and what binds to too many.
    func issuers(
        of recipients: GrantManifest.Recipients, _ findings: Findings
    ) -> Grantees.Issuers {
        guard let named = recipients.issuers else {
            if areSeveral {
                findings.problem(
                    "must say whose subjects and groups are meant, since server.json trusts several: \"issuer\": one or more of \(quoted(names.map(\.text))), or \"any\" where their names mean the same people",
                    at: recipients.place)
            }
            return .any
        }
        if let any = named.first(where: { $0.value.text.isByteEqual(to: GrantManifest.anyIssuer) })
        {
            if named.count > 1 {
                findings.problem("stands beside \"any\"; leave it out", at: any.place)
            }
            return .any
        }
        for name in named where !names.contains(name.value) {
            let near = nearest(name.value.text, among: names.map(\.text))
                .map { "; did you mean \(quoted($0))?" }
            findings.problem(
                "no issuer \(quoted(name.value.text)) in server.json\(near ?? "")", at: name.place)
        }
        return .of(named.map(\.value))
    }
}

extension Condition {
    /// Whether it looks at what a call would touch or send.
    fileprivate var needsExamination: Bool {
        switch self {
        case .fact(.statement, _), .fact(.httpMethod, _), .fact(.httpHost, _), .fact(.httpPath, _),
            .fact(.usage, _):
            true
        case .fact: false
        case .all(let parts), .any(let parts): parts.contains { $0.needsExamination }
        case .not(let part): part.needsExamination
        }
    }

    /// Whether it asks for groups or a subject, or for an issuer.
    func asks(_ isMeant: (Fact) -> Bool) -> Bool {
        switch self {
        case .fact(let fact, _): isMeant(fact)
        case .all(let parts), .any(let parts): parts.contains { $0.asks(isMeant) }
        case .not(let part): part.asks(isMeant)
        }
    }
}
