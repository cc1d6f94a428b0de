/// Schemas made of schemas, for one and the same value.
extension SchemaCheck {
    mutating func checkCombination(_ rule: SchemaRule, _ value: JSONValue) {
        switch rule {
        case .reference(let node): check(node, value)
        case .dynamicReference(let fallback, let byResource):
            check(destination(fallback, byResource), value)
        case .all(let nodes): for node in nodes where !isDone { check(node, value) }
        case .any(let nodes): checkAny(nodes, value)
        case .one(let nodes): checkOne(nodes, value)
        case .not(let node):
            if !objectionsWithin(node, value, limit: 1).isEmpty { return }
            report("must not match the form that the schema excludes")
        case .conditional(let condition, let then, let otherwise):
            if let node = accepts(condition, value) ? then : otherwise { check(node, value) }
        default: break
        }
    }

    /// What one form has against a value.
    private struct Form {
        let objections: [JSONViolation]
        /// A member that tells forms apart has the value of another form.
        let isOther: Bool
    }

    /// Nil when the form accepts.
    private mutating func form(_ node: Int, _ value: JSONValue) -> Form? {
        let missesBefore = tagMisses
        let objections = objections(node, value, limit: 5)
        guard !objections.isEmpty else { return nil }
        return Form(objections: objections, isOther: tagMisses > missesBefore)
    }

    private mutating func checkAny(_ nodes: [Int], _ value: JSONValue) {
        var refused: [Form] = []
        var isAccepted = false
        for node in nodes where !isDone {
            if let form = form(node, value) {
                refused.append(form)
            } else {
                isAccepted = true
                // Only who asks what is judged needs to know the other forms as well.
                if !isAskedForRest { return }
            }
        }
        if !isAccepted { reportNoForm(refused) }
    }

    private mutating func checkOne(_ nodes: [Int], _ value: JSONValue) {
        var refused: [Form] = []
        for node in nodes {
            if let form = form(node, value) { refused.append(form) }
        }
        switch nodes.count - refused.count {
        case 1: break
        case 0: reportNoForm(refused)
        default: report("must match only one of the \(nodes.count) allowed forms")
        }
    }

    /// When one form alone was meant, by its type or by a member that names it, its objections
    /// are what helps.
    private mutating func reportNoForm(_ forms: [Form]) {
        judgeAll()
        let here = path.pointer
        let near = forms.filter { $0.objections.first?.pointer.isByteEqual(to: here) != true }
        let meant = near.filter { !$0.isOther }
        if let form = meant.count == 1 ? meant.first : near.count == 1 ? near.first : nil {
            return report(form.objections)
        }
        let messages = forms.compactMap { $0.objections.count == 1 ? $0.objections.first : nil }
        let isShort = messages.count == forms.count && messages.count <= 5
        if isShort, let first = messages.first,
            messages.allSatisfy({ $0.pointer.isByteEqual(to: first.pointer) })
        {
            let texts = messages.map(\.message)
            return report([
                JSONViolation(pointer: first.pointer, message: texts.joined(separator: ", or "))
            ])
        }
        let hints = forms.prefix(5).compactMap { $0.objections.first }.map { hint($0, here) }
        let list = hints.isEmpty ? "" : ": " + hints.joined(separator: ", or ")
        report("must match one of the \(forms.count) allowed forms\(list)")
    }

    private func hint(_ objection: JSONViolation, _ here: String) -> String {
        if objection.pointer.isByteEqual(to: here) { return objection.message }
        let rest = objection.pointer.utf8.dropFirst(here.utf8.count + 1)
        return "`\(String(decoding: rest, as: UTF8.self))` \(objection.message)"
    }
}
