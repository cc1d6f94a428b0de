/// One value against one compiled schema.
struct SchemaCheck {
    private let nodes: [SchemaNode]
    private let isDynamic: Bool
    private(set) var path: [PointerStep] = []
    private var violations: [JSONViolation] = []
    private var violationsLimit = 20
    private var depth = 0
    /// Schemas that refer to themselves can ask for work exponential in the value's depth.
    private var stepsLeft = 1_000_000
    /// These are shorter: about 0.1 s in all.
    private var patternStepsLeft = 20_000_000
    private var gaveUp = false
    /// Which members or elements of the value at hand have been judged; nil when nobody asks.
    private var judged: [Bool]?
    /// The resources on the way here, outermost first; kept where the schema is dynamic.
    private var resources: [Int] = []
    /// How often a `const` or `enum` has objected: such a member tells which form was meant.
    private(set) var tagMisses = 0

    /// Enough for 64 levels of a value with four schemas each, little enough for any stack.
    private static let depthLimit = 256

    init(schema: JSONSchema) {
        nodes = schema.nodes
        isDynamic = schema.isDynamic
    }

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

    var isDone: Bool { gaveUp || violations.count >= violationsLimit }

    mutating func spend(_ steps: Int) {
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

    /// The same value: what `node` judges counts for the schema that it stands in.
    mutating func check(_ node: Int, _ value: JSONValue) {
        depth += 1
        defer { depth -= 1 }
        spend(1 + size(of: value) / 64)
        if depth > Self.depthLimit { gaveUp = true }
        let resource = nodes[node].resource
        let entersResource = isDynamic && resources.last != resource
        if entersResource { resources.append(resource) }
        if nodes[node].asksForRest {
            checkWithRest(node, value)
        } else {
            for rule in nodes[node].rules where !isDone { check(rule, value) }
        }
        if entersResource { resources.removeLast() }
    }

    /// A value within: nobody outside asks what is judged in there.
    mutating func check(_ node: Int, _ value: JSONValue, at step: PointerStep) {
        let outer = judged
        judged = nil
        path.append(step)
        check(node, value)
        path.removeLast()
        judged = outer
    }

    mutating func report(_ message: String, at step: PointerStep? = nil) {
        guard !isDone else { return }
        spend(path.count)
        let place = step.map { path + [$0] } ?? path
        violations.append(JSONViolation(pointer: place.pointer, message: message))
    }

    mutating func report(_ objections: [JSONViolation]) {
        for objection in objections where !isDone { violations.append(objection) }
    }

    /// What `node` has against `value`, without reporting it; up to `limit`. What it judged counts
    /// only where it objects to nothing.
    mutating func objections(
        _ node: Int, _ value: JSONValue, limit: Int
    ) -> [JSONViolation] {
        let outer = (violations, violationsLimit, judged)
        (violations, violationsLimit) = ([], limit)
        if let count = judged?.count { judged = [Bool](repeating: false, count: count) }
        check(node, value)
        let found = violations
        let inner = judged
        (violations, violationsLimit, judged) = outer
        if found.isEmpty, let inner { merge(inner) }
        return found
    }

    /// The same of a value that nobody outside asks about.
    mutating func objectionsWithin(
        _ node: Int, _ value: JSONValue, limit: Int
    ) -> [JSONViolation] {
        let outer = judged
        judged = nil
        defer { judged = outer }
        return objections(node, value, limit: limit)
    }

    mutating func accepts(_ node: Int, _ value: JSONValue) -> Bool {
        objections(node, value, limit: 1).isEmpty
    }

    mutating func matches(_ pattern: Pattern, _ text: String) -> Bool {
        if let found = pattern.matches(text, stepsLeft: &patternStepsLeft) { return found }
        gaveUp = true
        return false
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
        case (.format(let format), _): if !format.admits(value) { report(format.message) }
        case (_, .object(let object)): check(rule, object, value)
        case (_, .array(let values)): check(rule, values, value)
        default: checkCombination(rule, value)
        }
    }

    private mutating func check(_ allowed: AllowedValues, _ value: JSONValue) {
        let text = value.canonicalText
        spend(text.utf8.count / 32)
        guard !allowed.values.contains(Name(text)) else { return }
        tagMisses += 1
        report(allowed.message)
    }

    mutating func check(_ rule: CountRule, _ count: Int, _ one: String, _ many: String) {
        if let least = rule.least, count < least {
            report("must have at least \(least) \(least == 1 ? one : many)")
        }
        if let most = rule.most, count > most {
            report("must have at most \(most) \(most == 1 ? one : many)")
        }
    }
}

/// What has been judged, for `unevaluatedProperties` and `unevaluatedItems`.
extension SchemaCheck {
    private mutating func checkWithRest(_ node: Int, _ value: JSONValue) {
        let count =
            switch value {
            case .object(let object): object.count
            case .array(let values): values.count
            default: 0
            }
        spend(count / 16)
        let outer = judged
        judged = [Bool](repeating: false, count: count)
        for rule in nodes[node].rules where !isDone { check(rule, value) }
        let inner = judged
        judged = outer
        if let inner { merge(inner) }
    }

    private mutating func merge(_ inner: [Bool]) {
        guard judged != nil else { return }
        spend(inner.count / 16)
        for index in inner.indices where inner[index] { judged?[index] = true }
    }

    var isAskedForRest: Bool { judged != nil }

    mutating func judge(_ index: Int) { judged?[index] = true }

    /// For a value that is refused in any case: to name its parts as well would not help.
    mutating func judgeAll() {
        if let count = judged?.count { judged = [Bool](repeating: true, count: count) }
    }

    func isJudged(_ index: Int) -> Bool { judged?[index] ?? true }

    /// Where a dynamic reference leads on this way.
    func destination(_ fallback: Int, _ byResource: [Int: Int]) -> Int {
        for resource in resources {
            if let node = byResource[resource] { return node }
        }
        return fallback
    }
}
