package import Backends
package import Enforcement
package import JSON

/// A place that is told of requests for approval, as `server.json` declares it.
package struct NoticeSettings: Sendable {
    package enum Shape: String, Sendable, CaseIterable { case json, slack, teams }

    /// Somebody whose decision a reply may carry, by the place's own name of them.
    package struct Person: Sendable {
        package var id: Name
        package var caller: Caller
    }

    package var name: Name
    package var url: HTTPURL
    package var secret: Secret
    package var shape: Shape
    /// Without any, replies are unknown.
    package var people: [Person]
    package var networks: [NetworkRange]
    /// A file of authorities beside the system's.
    package var authorities: String?
}

/// Reads one element of `notices`.
struct NoticeManifest {
    static let keys = KeySet(
        required: ["notice", "webhook", "secret"],
        optional: ["shape", "people", "networks", "ca"])
    static let personKeys = KeySet(required: ["id", "issuer", "subject", "groups"], optional: [])
    static let countMax = 8
    static let peopleMax = 256

    /// `issuers` are those that the server trusts.
    static func read(
        _ node: Node, under directory: String, issuers: [Name]
    ) -> NoticeSettings? {
        guard let object = node.object(keys) else { return nil }
        let problems = node.findings.problemCount
        let name = object["notice"]?.name()
        let url = object["webhook"].flatMap { StreamManifest.webhook($0) }
        let secret = object["secret"]?.secret(under: directory)
        let shape = object["shape"].map { node in
            node.choice(among: NoticeSettings.Shape.allCases.map(\.rawValue))
                .flatMap { NoticeSettings.Shape(rawValue: $0) }
        }
        let people = object["people"].map { self.people($0, issuers) } ?? []
        let networks = object["networks"]?.someElements()?.compactMap { $0.network() } ?? []
        let authorities = object["ca"]?.path(under: directory)
        guard node.findings.problemCount == problems, let name, let url, let secret, let people
        else { return nil }
        return NoticeSettings(
            name: name, url: url, secret: secret, shape: (shape ?? nil) ?? .json, people: people,
            networks: networks, authorities: authorities)
    }

    private static func people(_ node: Node, _ issuers: [Name]) -> [NoticeSettings.Person]? {
        guard let elements = node.someElements() else { return nil }
        if elements.count > peopleMax { node.report("must have at most \(peopleMax) people") }
        var people: [NoticeSettings.Person] = []
        for element in elements {
            guard let object = element.object(personKeys), let id = object["id"]?.identity(),
                let issuer = object["issuer"]?.identity(),
                let subject = object["subject"]?.identity(),
                let groups = object["groups"]?.names({ $0.identity() })
            else { return nil }
            if !issuers.contains(issuer) {
                object["issuer"]?.report("no issuer \(quoted(issuer.text)) in server.json")
            }
            if people.contains(where: { $0.id == id }) {
                element.report("names \(quoted(id.text)) a second time")
            }
            people.append(
                .init(
                    id: id,
                    caller: Caller(issuer: issuer.text, subject: subject.text, groups: groups)))
        }
        return people
    }
}
