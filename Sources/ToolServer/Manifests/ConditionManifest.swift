import Enforcement
import JSON

/// Reads the `when` of a rule. What it cannot read exactly is an error: a test that were dropped
/// would make the rule wider or narrower than its author believes.
extension Condition {
    static let combinators = ["all", "any", "not"]

    /// `{fact: test, …}`, all of which must hold, with `any`, `all` and `not` among them.
    static func read(_ node: Node) -> Condition? {
        guard let members = node.members() else { return nil }
        guard !members.isEmpty else {
            node.report("must hold a fact; `{\"tool.name\": \"*\"}` is every call")
            return nil
        }
        let conditions = members.compactMap { read($0) }
        guard conditions.count == members.count else { return nil }
        return conditions.count == 1 ? conditions[0] : .all(conditions)
    }

    private static func read(_ member: Member) -> Condition? {
        switch Name(member.name) {
        case "all": return list(member.node).map { .all($0) }
        case "any": return list(member.node).map { .any($0) }
        case "not": return read(member.node).map { .not($0) }
        default: break
        }
        guard let fact = Fact.read(member) else { return nil }
        guard let tests = Test.read(member.node, about: fact) else { return nil }
        let conditions = tests.map { Condition.fact(fact, $0.canonical(for: fact)) }
        return conditions.count == 1 ? conditions[0] : .all(conditions)
    }

    private static func list(_ node: Node) -> [Condition]? {
        guard let elements = node.someElements() else { return nil }
        let conditions = elements.compactMap { read($0) }
        return conditions.count == elements.count ? conditions : nil
    }
}

extension Condition {
    /// Whether it looks at the planner's estimates.
    var asksPlanner: Bool {
        switch self {
        case .fact(.statement(let part), _): part.isNumber
        case .fact: false
        case .all(let parts), .any(let parts): parts.contains { $0.asksPlanner }
        case .not(let part): part.asksPlanner
        }
    }
}

extension Fact {
    static let plain: [(name: String, fact: Fact)] =
        [
            ("caller.subject", .callerSubject), ("caller.issuer", .callerIssuer),
            ("caller.kind", .callerKind), ("caller.groups", .callerGroups),
            ("caller.person", .callerPerson), ("caller.email", .callerEmail),
            ("client.id", .clientID), ("client.address", .clientAddress),
            ("tool.name", .toolName), ("tool.effect", .toolEffect), ("tool.tags", .toolTags),
            ("backend", .backend), ("argument.*", .anyArgument), ("http.method", .httpMethod),
            ("http.host", .httpHost), ("http.path", .httpPath), ("time.hours", .time),
        ] + StatementFact.allCases.map { ($0.spelling, .statement($0)) }
        + UsageFact.all.map { ($0.spelling, .usage($0)) }
    static let named = ["caller.claims.", "argument."]

    /// Every spelling, for messages and for the schema of editors.
    static var spellings: [String] {
        plain.map(\.name) + ["caller.claims.NAME", "argument.NAME"]
    }

    fileprivate static func read(_ member: Member) -> Fact? {
        let name = member.name
        if let fact = plain.first(where: { $0.name.isByteEqual(to: name) })?.fact { return fact }
        if let rest = rest(of: name, after: "caller.claims.") { return .callerClaim(rest) }
        if let rest = rest(of: name, after: "argument.") { return .argument(rest) }
        member.node.findings.problem(complaint(about: name), at: member.namePlace)
        return nil
    }

    private static func rest(of name: String, after prefix: String) -> String? {
        guard name.utf8.starts(with: prefix.utf8), name.utf8.count > prefix.utf8.count else {
            return nil
        }
        return String(decoding: name.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
    }

    private static func complaint(about name: String) -> String {
        if let near = nearest(name, among: spellings + Condition.combinators) {
            return "unknown fact \(quoted(name)); did you mean \(quoted(near))?"
        }
        return "unknown fact \(quoted(name)); use one of \(quoted(spellings))"
    }
}

extension Test {
    static let keys = KeySet(
        required: [], optional: ["glob", "matches", "over", "under", "present", "within"])

    /// The tests that a fact must meet together.
    fileprivate static func read(_ node: Node, about fact: Fact) -> [Test]? {
        if case .time = fact { return TimeManifest.hours(node).map { [.hours($0)] } }
        switch node.value.content {
        case .object: return object(node, about: fact)
        case .array:
            guard let elements = node.someElements() else { return nil }
            let values = elements.compactMap { scalar($0, about: fact) }
            guard values.count == elements.count else { return nil }
            return [.oneOf(values.flatMap { spelled($0, for: fact) })]
        default: return scalar(node, about: fact).map { [.oneOf(spelled($0, for: fact))] }
        }
    }

    private static func scalar(_ node: Node, about fact: Fact) -> JSONValue? {
        switch node.value.content {
        case .object, .array:
            node.report("must be a string, a number, true, false or null")
            return nil
        case .string where isNumber(fact):
            node.report("must be tested with `over`, `under` or `present`: this fact is a number")
            return nil
        case .string where isFlag(fact), .number where isFlag(fact), .null where isFlag(fact):
            node.report("must be true or false")
            return nil
        case .string(let text) where !text.utf8.contains(UInt8(ascii: "*")):
            guard let words = words(of: fact) else { return .string(text) }
            return node.choice(among: words).map { .string($0) }
        case .string(let text): return .string(text)
        default:
            guard takesOnlyText(fact) else { return node.value.plain() }
            node.report("must be a string: this fact is text")
            return nil
        }
    }

    /// Facts whose values are known beforehand: a misspelt one would never match.
    private static func words(of fact: Fact) -> [String]? {
        switch fact {
        case .callerKind: ["human", "agent"]
        case .toolEffect: Tool.Effect.allCases.map(\.rawValue)
        case .statement(let part): part.words
        default: nil
        }
    }

    private static func takesOnlyText(_ fact: Fact) -> Bool {
        switch fact {
        case .callerClaim, .argument, .anyArgument, .usage: false
        default: !isNumber(fact)
        }
    }

    private static func isFlag(_ fact: Fact) -> Bool {
        if case .usage(let usage) = fact { !usage.isNumber } else { false }
    }

    private static func isNumber(_ fact: Fact) -> Bool {
        switch fact {
        case .statement(let part): part.isNumber
        case .usage(let usage): usage.isNumber
        default: false
        }
    }

    /// Of names in SQL: without quotation marks, and where the schema is left out, of any.
    private static func spelled(_ value: JSONValue, for fact: Fact) -> [JSONValue] {
        guard case .statement(let part) = fact, let count = part.nameCount,
            let text = value.string
        else { return [value] }
        let names = SQLNames.parts(of: text)
        let plain = names.joined(separator: ".")
        guard names.count < count else { return [.string(plain)] }
        // A glob that holds the dots itself may mean all of it.
        return plain.utf8.contains(UInt8(ascii: "*"))
            ? [.string(plain), .string("*.\(plain)")] : [.string("*.\(plain)")]
    }

    private static func object(_ node: Node, about fact: Fact) -> [Test]? {
        guard let object = node.object(keys) else { return nil }
        let given = keys.all.compactMap { key in object[key].map { (key, $0) } }
        if object.isEmpty { node.report("must hold a test: \(quoted(keys.all))") }
        let tests = given.compactMap { one($0, $1, about: fact) }
        return tests.count == given.count && !tests.isEmpty ? tests : nil
    }

    private static func one(_ key: String, _ node: Node, about fact: Fact) -> Test? {
        switch key {
        case "glob":
            guard let glob = node.prose(atMost: 512) else { return nil }
            let spelled = spelled(.string(glob), for: fact)
            return spelled.count == 1 ? .glob(spelled[0].string ?? glob) : .oneOf(spelled)
        case "matches": return pattern(node, about: fact).map { .matches($0) }
        case "over": return node.number().map { .over($0) }
        case "under": return node.number().map { .under($0) }
        case "within": return networks(node, about: fact).map { .within($0) }
        default: return node.bool().map { .present($0) }
        }
    }

    private static func networks(_ node: Node, about fact: Fact) -> [NetworkRange]? {
        guard case .clientAddress = fact else {
            node.report("is for `client.address`")
            return nil
        }
        guard let elements = node.someElements() else { return nil }
        let ranges = elements.compactMap { $0.network() }
        return ranges.count == elements.count ? ranges : nil
    }

    private static func pattern(_ node: Node, about fact: Fact) -> Pattern? {
        if fact.isFolded, case .string(let text) = node.value.content, holdsCapital(text) {
            node.report("would never match: this fact is in lower case")
            return nil
        }
        return node.pattern()
    }
}

extension Fact {
    /// Its values are in lower case.
    fileprivate var isFolded: Bool {
        switch self {
        case .httpHost, .httpPath: true
        default: false
        }
    }
}

extension Test {
    /// The test as the fact spells its values, so that no spelling in a rule makes it miss.
    fileprivate func canonical(for fact: Fact) -> Test {
        switch self {
        case .oneOf(let values):
            .oneOf(values.flatMap { $0.string.map { Self.spellings($0, of: fact) } ?? [$0] })
        case .glob(let pattern):
            switch fact {
            case .httpMethod, .httpHost, .httpPath: .oneOf(Self.spellings(pattern, of: fact))
            default: self
            }
        default: self
        }
    }

    private static func spellings(_ text: String, of fact: Fact) -> [JSONValue] {
        switch fact {
        case .httpMethod: [.string(text.uppercased())]
        case .httpHost: [.string(text.lowercased())]
        case .httpPath: pathSpellings(PathReading(text).canonicalPath).map { .string($0) }
        default: [.string(text)]
        }
    }

    /// `/v1/admin/**` is the folder itself, too.
    private static func pathSpellings(_ pattern: String) -> [String] {
        guard pattern.utf8.count >= 3, pattern.utf8.suffix(3).elementsEqual("/**".utf8) else {
            return [pattern]
        }
        let folder = pattern.dropLast(3)
        return [folder.utf8.isEmpty ? "/" : String(folder), pattern]
    }

    /// A capital letter that stands for itself: `\D` is a class.
    private static func holdsCapital(_ pattern: String) -> Bool {
        var isEscaped = false
        for byte in pattern.utf8 {
            if !isEscaped, (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) { return true }
            isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
        }
        return false
    }
}

extension Node {
    fileprivate func number() -> JSONNumber? {
        if case .number(let number) = value.content { return number }
        report("must be a number")
        return nil
    }
}

/// Names as SQL writes them in a rule: `public.users`, `public."Salaries"`.
enum SQLNames {
    /// The parts between dots, where quotation marks keep what they hold together.
    static func parts(of text: String) -> [String] {
        var parts: [[UInt8]] = [[]]
        var isQuoted = false
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: ".") where !isQuoted: parts.append([])
            default: parts[parts.count - 1].append(byte)
            }
        }
        return parts.map { String(decoding: $0, as: UTF8.self) }
    }
}
