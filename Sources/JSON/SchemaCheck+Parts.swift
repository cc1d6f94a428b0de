/// Members of objects.
extension SchemaCheck {
    mutating func check(_ rule: SchemaRule, _ object: JSONObject, _ value: JSONValue) {
        switch rule {
        case .required(let names):
            spend(names.count * object.count / 64)
            for name in names where object[name] == nil { report("is required", at: .name(name)) }
        case .members(let rule): check(rule, object)
        case .names(let node): checkNames(node, object)
        case .memberCount(let rule): check(rule, object.count, "member", "members")
        case .dependentRequired(let dependencies): check(dependencies, object)
        case .dependentSchemas(let dependencies):
            spend(dependencies.count * object.count / 64)
            for dependency in dependencies where object[dependency.name] != nil {
                check(dependency.node, value)
            }
        case .otherMembers(let node, let isClosed, let known):
            checkOthers(node, isClosed, known, object)
        default: checkCombination(rule, value)
        }
    }

    private mutating func check(_ rule: MembersRule, _ object: JSONObject) {
        for (index, member) in object.members.enumerated() where !isDone {
            let step = PointerStep.name(member.name)
            var isKnown = false
            if let node = rule.properties[Name(member.name)] {
                isKnown = true
                check(node, member.value, at: step)
            }
            for entry in rule.patterns where matches(entry.pattern, member.name) {
                isKnown = true
                check(entry.node, member.value, at: step)
            }
            if !isKnown {
                guard rule.isClosed || rule.additional != nil else { continue }
                if rule.isClosed { reportUnknown(member.name, rule.properties.keys, object) }
                if let node = rule.additional { check(node, member.value, at: step) }
            }
            judge(index)
        }
    }

    private mutating func reportUnknown(
        _ name: String, _ known: some Sequence<Name>, _ object: JSONObject
    ) {
        var message = path.isEmpty ? "is not a known argument" : "is not a known member"
        let unused = known.filter { object[$0.text] == nil }.sorted().map(\.text)
        if let meant = nearest(name, among: unused) { message += "; did you mean `\(meant)`?" }
        report(message, at: .name(name))
    }

    private mutating func checkOthers(
        _ node: Int, _ isClosed: Bool, _ known: [String], _ object: JSONObject
    ) {
        for (index, member) in object.members.enumerated() where !isDone && !isJudged(index) {
            if isClosed {
                reportUnknown(member.name, known.lazy.map { Name($0) }, object)
            } else {
                check(node, member.value, at: .name(member.name))
            }
            judge(index)
        }
    }

    private mutating func checkNames(_ node: Int, _ object: JSONObject) {
        for member in object.members where !isDone {
            if let objection = objectionsWithin(node, .string(member.name), limit: 1).first {
                report("as a name \(objection.message)", at: .name(member.name))
            }
        }
    }

    private mutating func check(
        _ dependencies: [(name: String, needed: [String])], _ object: JSONObject
    ) {
        for dependency in dependencies where object[dependency.name] != nil {
            spend(dependency.needed.count * object.count / 64)
            for name in dependency.needed where object[name] == nil {
                report("is required together with `\(dependency.name)`", at: .name(name))
            }
        }
    }
}

/// Elements of arrays.
extension SchemaCheck {
    mutating func check(_ rule: SchemaRule, _ values: [JSONValue], _ value: JSONValue) {
        switch rule {
        case .elements(let prefix, let rest): checkElements(prefix, rest, values)
        case .contains(let node, let rule): checkContains(node, rule, values)
        case .elementCount(let rule): check(rule, values.count, "element", "elements")
        case .distinctElements: checkDistinct(values)
        case .otherElements(let node):
            for (index, value) in values.enumerated() where !isDone && !isJudged(index) {
                check(node, value, at: .index(index))
                judge(index)
            }
        default: checkCombination(rule, value)
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
            judge(index)
        }
    }

    private mutating func checkContains(_ node: Int, _ rule: CountRule, _ values: [JSONValue]) {
        var count = 0
        var objection: JSONViolation?
        for (index, value) in values.enumerated() where !isDone {
            let found = objectionsWithin(node, value, limit: 1)
            if found.isEmpty {
                count += 1
                judge(index)
            } else if objection == nil {
                objection = found.first
            }
        }
        let isTold = objection?.pointer.isByteEqual(to: path.pointer) == true
        let form = isTold ? objection.map { "that \($0.message)" } : nil
        let wanted = form ?? "of the form that `contains` describes"
        check(rule, count, "element \(wanted)", "elements \(wanted)")
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
}
