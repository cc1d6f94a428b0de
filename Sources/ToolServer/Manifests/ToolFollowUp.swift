import Enforcement
import JSON

/// What a tool declares about its calls beyond one request and one answer.
extension ToolManifest {
    static let confirmKeys = KeySet(required: ["question"], optional: ["otherwise", "expires"])
    /// An answer that waits to be fetched is kept in the state: as much as fits there for all.
    static let taskBytesMax = 1 << 20

    /// `"confirm": true`, a question, or `{"question", "otherwise"}`.
    static func confirmation(of object: ObjectReader, title: String?) -> Confirmation? {
        guard let node = object["confirm"] else { return nil }
        switch node.value.content {
        case .bool(true): return Confirmation(question: "\(title ?? ""): go ahead?")
        case .bool(false):
            node.report("is a question or `true`; leave it out for a tool that asks nothing")
            return nil
        case .string:
            return node.prose(atMost: 500).map { Confirmation(question: $0) }
        default:
            guard let members = node.object(confirmKeys) else { return nil }
            let question = members["question"]?.prose(atMost: 500)
            let otherwise = members["otherwise"].map {
                $0.choice(among: Confirmation.Unasked.allCases.map(\.rawValue))
            }
            let expires = members["expires"]?.duration(in: .seconds(1)...Duration.seconds(900))
            return question.map { question in
                Confirmation(
                    question: question,
                    unasked: otherwise.flatMap { $0 }.flatMap { .init(rawValue: $0) } ?? .refuse,
                    expires: (expires?.components.seconds).map { max(1, Int($0)) }
                        ?? Confirmation.expiresStandard)
            }
        }
    }

    /// `{"after": "id"}`: how the call for the rows behind a cut answer differs.
    static func nextArguments(of object: ObjectReader) -> [NextArgument]? {
        guard let node = object["next"], let members = node.members() else { return nil }
        for other in ["http", "sqlArgument", "describe"] where object[other] != nil {
            node.report("is for a tool with `sql`; leave it out beside \(quoted(other))")
        }
        if members.isEmpty { node.report("names no argument; leave it out") }
        return members.compactMap { member in
            member.node.string().map { column in
                NextArgument(
                    argument: Located(value: Name(member.name), place: member.namePlace),
                    column: member.node.located(Name(column)))
            }
        }
    }

    static func taskUse(of object: ObjectReader, limits: ToolLimits) -> Tool.TaskUse? {
        guard let node = object["task"] else { return nil }
        let word = node.choice(among: Tool.TaskUse.allCases.map(\.rawValue))
        if limits.bytes > taskBytesMax {
            node.report(
                "goes with `limits.bytes` of at most \(spelledBytes(taskBytesMax)), since the answer is kept until it is fetched"
            )
        }
        return word.flatMap { Tool.TaskUse(rawValue: $0) }
    }
}
