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

    package struct Webhook: Sendable {
        package var url: HTTPURL
        package var secret: Secret
        package var shape: Shape
        /// Without any, replies are unknown.
        package var people: [Person]
        package var networks: [NetworkRange]
        /// A file of authorities beside the system's.
        package var authorities: String?
    }

    /// Told by the mail program of this machine. Nobody replies to it.
    package struct Mail: Sendable {
        package var program: String
        package var from: String
        package var to: [String]
    }

    package enum Way: Sendable {
        case webhook(Webhook)
        case mail(Mail)
    }

    package var name: Name
    package var way: Way
}

/// Reads one element of `notices`.
struct NoticeManifest {
    static let keys = KeySet(
        required: ["notice", "webhook", "secret"],
        optional: ["shape", "people", "networks", "ca"])
    static let mailKeys = KeySet(required: ["notice", "sendmail", "from", "to"], optional: [])
    static let personKeys = KeySet(required: ["id", "issuer", "subject", "groups"], optional: [])
    static let countMax = 8
    static let peopleMax = 256
    static let recipientsMax = 20

    /// `issuers` are those that the server trusts.
    static func read(
        _ node: Node, under directory: String, issuers: [Name]
    ) -> NoticeSettings? {
        guard let members = node.members() else { return nil }
        if members.contains(where: { $0.name.isByteEqual(to: "sendmail") }) {
            return mail(ObjectReader(node, members: members, keys: mailKeys), under: directory)
        }
        let object = ObjectReader(node, members: members, keys: keys)
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
            name: name,
            way: .webhook(
                .init(
                    url: url, secret: secret, shape: (shape ?? nil) ?? .json, people: people,
                    networks: networks, authorities: authorities)))
    }

    private static func mail(
        _ object: ObjectReader, under directory: String
    ) -> NoticeSettings? {
        let findings = object.node.findings
        let problems = findings.problemCount
        let name = object["notice"]?.name()
        let program = object["sendmail"]?.path(under: directory)
        let from = object["from"]?.mailbox()
        let to = object["to"]?.someElements()?.compactMap { $0.mailbox() } ?? []
        if to.count > recipientsMax {
            object["to"]?.report("must have at most \(recipientsMax) addresses")
        }
        guard findings.problemCount == problems, let name, let program, let from else {
            return nil
        }
        return NoticeSettings(
            name: name, way: .mail(.init(program: program, from: from, to: to)))
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

extension Node {
    /// `name@host` as it stands in a field and in an argument, with nothing that either could take
    /// for something else: no quotes, spaces or comments, and not what begins like an option.
    fileprivate func mailbox() -> String? {
        guard let text = prose(atMost: 254) else { return nil }
        let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "@._+-=".utf8.contains(byte)
            }
        }
        guard isPlain, parts.count == 2, parts.allSatisfy({ !$0.isEmpty }),
            text.utf8.first != UInt8(ascii: "-")
        else {
            report("must be one mail address such as \"finance@example.com\"")
            return nil
        }
        return text
    }
}
