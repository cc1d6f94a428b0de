/// One value against one compiled schema.
struct SchemaCheck {
    private let nodes: [[SchemaRule]]
    private var path: [PointerStep] = []
    private var violations: [JSONViolation] = []
    private var violationsLimit = 20
    private var depth = 0
    /// Schemas that refer to themselves can ask for work exponential in the value's depth.
    private var stepsLeft = 1_000_000
    /// These are shorter: about 0.1 s in all.
    private var patternStepsLeft = 20_000_000
    private var gaveUp = false

    /// Enough for 64 levels of a value with four schemas each, little enough for any stack.
    private static let depthLimit = 256

    init(nodes: [[SchemaRule]]) { self.nodes = nodes }

    mutating func run(_ value: JSONValue) -> [JSONViolation] {
        check(0, value)
        // Not where it happened: within a `not`, a violation for having given up would be a pass.
        if gaveUp {
            violations.append(
                JSONViolation(
                    pointer: "", message: "must be simpler to be checked against the schema"))
        }
        return violations
    }

    private var isDone: Bool { gaveUp || violations.count >= violationsLimit }

    private mutating func spend(_ steps: Int) {
        stepsLeft -= min(steps, 1 << 40)
        if stepsLeft < 0 { gaveUp = true }
    }

    /// What one keyword may have to read, without what lies deeper.
    private func size(of value: JSONValue) -> Int {
        switch value {
        case .string(let text): text.utf8.count
        case .number(let number): number.text.utf8.count
        case .object(let object): object.count
        case .null, .bool, .array: 0
        }
    }

    private mutating func check(_ node: Int, _ value: JSONValue) {
        depth += 1
        defer { depth -= 1 }
        spend(1 + size(of: value) / 64)
        if depth > Self.depthLimit { gaveUp = true }
        for rule in nodes[node] where !isDone { check(rule, value) }
    }

    private mutating func check(_ node: Int, _ value: JSONValue, at step: PointerStep) {
        path.append(step)
        check(node, value)
        path.removeLast()
    }

    private mutating func report(_ message: String, at step: PointerStep? = nil) {
        guard !isDone else { return }
        spend(path.count)
        let place = step.map { path + [$0] } ?? path
        violations.append(JSONViolation(pointer: place.pointer, message: message))
    }

    /// What `node` has against `value`, without reporting it; up to `limit`.
    private mutating func objections(
        _ node: Int, _ value: JSONValue, limit: Int
    ) -> [JSONViolation] {
        let outer = (violations, violationsLimit)
        (violations, violationsLimit) = ([], limit)
        check(node, value)
        let found = violations
        (violations, violationsLimit) = outer
        return found
    }

    private mutating func accepts(_ node: Int, _ value: JSONValue) -> Bool {
        objections(node, value, limit: 1).isEmpty
    }

    private mutating func check(_ rule: SchemaRule, _ value: JSONValue) {
        switch (rule, value) {
        case (.never, _): report("must be absent")
        case (.type(let types), _):
            if !types.admits(value) { report("must be \(types.phrase)") }
        case (.allowed(let allowed), _): check(allowed, value)
        case (.number(let rule), .number(let number)):
            if !rule.accepts(number) { report(rule.message) }
        case (.length(let rule), .string(let text)):
            check(rule, text.unicodeScalars.count, "character", "characters")
        case (.pattern(let pattern), .string(let text)):
            if !matches(pattern, text) { report("must match the pattern `\(pattern.source)`") }
        case (.required(let names), .object(let object)):
            spend(names.count * object.count / 64)
            for name in names where object[name] == nil { report("is required", at: .name(name)) }
        case (.members(let rule), .object(let object)): check(rule, object)
        case (.names(let node), .object(let object)): checkNames(node, object)
        case (.memberCount(let rule), .object(let object)):
            check(rule, object.count, "member", "members")
        case (.dependentRequired(let dependencies), .object(let object)):
            check(dependencies, object)
        case (.elements(let prefix, let rest), .array(let values)):
            checkElements(prefix, rest, values)
        case (.elementCount(let rule), .array(let values)):
            check(rule, values.count, "element", "elements")
        case (.distinctElements, .array(let values)): checkDistinct(values)
        default: checkCombination(rule, value)
        }
    }

    private mutating func checkCombination(_ rule: SchemaRule, _ value: JSONValue) {
        switch rule {
        case .reference(let node): check(node, value)
        case .all(let nodes): for node in nodes where !isDone { check(node, value) }
        case .any(let nodes): checkAny(nodes, value)
        case .one(let nodes): checkOne(nodes, value)
        case .not(let node):
            if accepts(node, value) { report("must not match the form that the schema excludes") }
        case .conditional(let condition, let then, let otherwise):
            if let node = accepts(condition, value) ? then : otherwise { check(node, value) }
        default: break
        }
    }

    private mutating func check(_ allowed: AllowedValues, _ value: JSONValue) {
        let text = value.canonicalText
        spend(text.utf8.count / 32)
        if !allowed.values.contains(Name(text)) { report(allowed.message) }
    }

    private mutating func matches(_ pattern: Pattern, _ text: String) -> Bool {
        if let found = pattern.matches(text, stepsLeft: &patternStepsLeft) { return found }
        gaveUp = true
        return false
    }

    private mutating func check(_ rule: CountRule, _ count: Int, _ one: String, _ many: String) {
        if let least = rule.least, count < least {
            report("must have at least \(least) \(least == 1 ? one : many)")
        }
        if let most = rule.most, count > most {
            report("must have at most \(most) \(most == 1 ? one : many)")
        }
    }

    private mutating func check(_ rule: MembersRule, _ object: JSONObject) {
        for member in object.members where !isDone {
            let step = PointerStep.name(member.name)
            var isKnown = false
            if let node = rule.properties[Name(member.name)] {
                isKnown = true
                check(node, member.value, at: step)
            }
            for entry in rule.patterns {
                guard matches(entry.pattern, member.name) else { continue }
                isKnown = true
                check(entry.node, member.value, at: step)
            }
            if isKnown { continue }
            if rule.isClosed { reportUnknown(member.name, rule, object) }
            if let node = rule.additional { check(node, member.value, at: step) }
        }
    }

    private mutating func reportUnknown(_ name: String, _ rule: MembersRule, _ object: JSONObject) {
        var message = path.isEmpty ? "is not a known argument" : "is not a known member"
        let unused = rule.properties.keys.filter { object[$0.text] == nil }.sorted().map(\.text)
        if let meant = nearest(name, among: unused) { message += "; did you mean `\(meant)`?" }
        report(message, at: .name(name))
    }

    private mutating func checkNames(_ node: Int, _ object: JSONObject) {
        for member in object.members where !isDone {
            if let objection = objections(node, .string(member.name), limit: 1).first {
                report("as a name \(objection.message)", at: .name(member.name))
            }
        }
    }

    private mutating func check(
        _ dependencies: [(name: String, needed: [String])], _ object: JSONObject
    ) {
        for dependency in dependencies where object[dependency.name] != nil {
            for name in dependency.needed where object[name] == nil {
                report("is required together with `\(dependency.name)`", at: .name(name))
            }
        }
    }

    private mutating func checkElements(_ prefix: [Int], _ rest: Int?, _ values: [JSONValue]) {
        for (index, value) in values.enumerated() where !isDone {
            if index < prefix.count {
                check(prefix[index], value, at: .index(index))
            } else if let rest {
                check(rest, value, at: .index(index))
            } else {
                return
            }
        }
    }

    private mutating func checkDistinct(_ values: [JSONValue]) {
        var seen: Set<Name> = []
        for (index, value) in values.enumerated() where !isDone {
            let text = value.canonicalText
            spend(text.utf8.count / 32)
            if !seen.insert(Name(text)).inserted {
                report("must differ from the elements before it", at: .index(index))
            }
        }
    }

    private mutating func checkAny(_ nodes: [Int], _ value: JSONValue) {
        var found: [[JSONViolation]] = []
        for node in nodes {
            let objections = objections(node, value, limit: 5)
            if objections.isEmpty { return }
            found.append(objections)
        }
        reportNoForm(found)
    }

    private mutating func checkOne(_ nodes: [Int], _ value: JSONValue) {
        var found: [[JSONViolation]] = []
        for node in nodes {
            let objections = objections(node, value, limit: 5)
            if !objections.isEmpty { found.append(objections) }
        }
        switch nodes.count - found.count {
        case 1: break
        case 0: reportNoForm(found)
        default: report("must match only one of the \(nodes.count) allowed forms")
        }
    }

    /// When only one form has the right type, its objections are what helps.
    private mutating func reportNoForm(_ found: [[JSONViolation]]) {
        let here = path.pointer
        let near = found.filter { $0.first?.pointer != here }
        if near.count == 1 {
            for objection in near[0] where !isDone { violations.append(objection) }
            return
        }
        let messages = found.compactMap { $0.count == 1 ? $0[0].message : nil }
        if near.isEmpty, messages.count == found.count, messages.count <= 5 {
            report(messages.joined(separator: ", or "))
        } else {
            report("must match one of the \(found.count) allowed forms")
        }
    }
}
