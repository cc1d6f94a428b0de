internal import JSON

/// The rows that a query takes from: stored, made by other queries, by functions, by values.
extension PostgresTreeLineage {
    // MARK: Set operations and common tables

    func isAllUnion(_ operation: Int) -> Bool {
        for item in tree.range(of: operation) where tree.isNode(item, "SETOPERATIONSTMT") {
            guard tree.integer(item, "op") == 1, tree.isTrue(item, "all") else { return false }
        }
        return true
    }

    func outputs(ofSetOperations operation: Int) -> [Origin] {
        var merged: [Origin]?
        for item in tree.range(of: operation) where tree.isNode(item, "RANGETBLREF") {
            guard let index = tree.integer(item, "rtindex"), let entry = rangeEntry(index, up: 0)
            else { continue }
            let arm = outputs(ofEntry: entry, up: 0)
            guard let before = merged else {
                merged = arm
                continue
            }
            guard before.count == arm.count else {
                shared.isUnknown = true
                return arm
            }
            merged = zip(before, arm).map { one, other in
                Origin(
                    exact: one.exact == other.exact ? one.exact : nil,
                    sources: one.sources.union(other.sources))
            }
        }
        return merged ?? []
    }

    /// The query of a `WITH`; of a recursive one what it comes to.
    func common(_ expression: Int) -> Query {
        if let known = recursive[expression] { return known }
        guard let query = tree.node(expression, "ctequery") else {
            shared.isUnknown = true
            return Query()
        }
        guard tree.isTrue(expression, "cterecursive") else { return lineage(of: query) }
        if let found = known[query] { return found }
        var current = Query()
        if let names = tree.child(expression, "ctecolnames") {
            current.outputs = tree.children(of: names).map { _ in Origin() }
        }
        for _ in 0..<20 {
            recursive[expression] = current
            let inside = tree.range(of: query)
            known = known.filter { !inside.contains($0.key) }
            knownOutputs = knownOutputs.filter { !inside.contains($0.key) }
            let next = lineage(of: query)
            recursive[expression] = nil
            // What it comes to is known when another round adds nothing.
            let merged = Query(
                outputs: next.outputs.enumerated().map { index, output in
                    let before =
                        current.outputs.indices.contains(index)
                        ? current.outputs[index].sources : []
                    return Origin(sources: output.sources.union(before))
                }, deciding: next.deciding.union(current.deciding))
            if merged == current {
                known[query] = next
                return next
            }
            current = merged
        }
        shared.isUnknown = true
        return current
    }

    // MARK: The range table

    func rangeEntry(_ index: Int, up: Int) -> Int? {
        guard up < scopes.count else {
            shared.isUnknown = true
            return nil
        }
        let table = scopes[scopes.count - 1 - up].rangeTable
        guard index >= 1, index <= table.count else {
            shared.isUnknown = true
            return nil
        }
        return table[index - 1]
    }

    /// With the scopes as they are where the entry stands.
    private func inScope<Result>(up: Int, _ body: () -> Result) -> Result {
        let inner = scopes.suffix(up)
        scopes.removeLast(inner.count)
        defer { scopes.append(contentsOf: inner) }
        return body()
    }

    func origin(ofVariable item: Int) -> Origin {
        let up = tree.integer(item, "varlevelsup") ?? 0
        guard let index = tree.integer(item, "varno"), let number = tree.integer(item, "varattno"),
            let entry = rangeEntry(index, up: up)
        else {
            shared.isUnknown = true
            return Origin()
        }
        if tree.integer(entry, "rtekind") == 0 {
            let found = stored(entry, number)
            let scope = scopes[scopes.count - 1 - up]
            guard scope.target == index, number >= 0 else { return found }
            if scope.isFilled { return Origin(sources: found.sources.union([.anything])) }
            // What a change has just written there may come from anywhere.
            let written =
                number == 0
                ? scope.assigned.values.reduce(into: []) { $0.formUnion($1) }
                : scope.assigned[number] ?? []
            return Origin(exact: found.exact, sources: found.sources.union(written))
        }
        let outputs = outputs(ofEntry: entry, up: up)
        guard number > 0 else {
            guard number == 0 else { return Origin() }
            return Origin(sources: outputs.reduce(into: []) { $0.formUnion($1.sources) })
        }
        guard outputs.indices.contains(number - 1) else {
            // WITH ORDINALITY and the like add columns that come from no table.
            if tree.integer(entry, "rtekind") == 3 || tree.integer(entry, "rtekind") == 6 {
                return Origin(sources: outputs.reduce(into: []) { $0.formUnion($1.sources) })
            }
            shared.isUnknown = true
            return Origin()
        }
        return outputs[number - 1]
    }

    private func stored(_ entry: Int, _ number: Int) -> Origin {
        guard let relation = tree.integer(entry, "relid") else {
            shared.isUnknown = true
            return Origin()
        }
        let column = PostgresColumnNumber(
            relation: UInt32(truncatingIfNeeded: relation), number: number)
        let isExcluded = tree.child(entry, "relkind").map { tree.text(of: $0, is: "c") } ?? false
        let isPlain = tree.isTrue(entry, "inh") || isExcluded
        return shared.origin(of: column, inherits: isPlain)
    }

    private func outputs(ofEntry entry: Int, up: Int) -> [Origin] {
        if let found = knownOutputs[entry] { return found }
        let found = newOutputs(ofEntry: entry, up: up)
        knownOutputs[entry] = found
        return found
    }

    private func newOutputs(ofEntry entry: Int, up: Int) -> [Origin] {
        switch tree.integer(entry, "rtekind") {
        case 1:
            guard let query = tree.node(entry, "subquery") else { break }
            return inScope(up: up) { lineage(of: query).outputs }
        case 2:
            guard let aliases = tree.child(entry, "joinaliasvars") else { break }
            return inScope(up: up) { tree.children(of: aliases).map { expression($0) } }
        case 3, 4:
            return inScope(up: up) {
                var ignored: Set<PostgresColumnNumber> = []
                let field: StaticString =
                    tree.integer(entry, "rtekind") == 3 ? "functions" : "tablefunc"
                let given = tree.child(entry, field).map { sources(in: $0, deciding: &ignored) }
                let names = tree.node(entry, "eref").flatMap { tree.child($0, "colnames") }
                guard let names else { return [] }
                return tree.children(of: names).map { _ in Origin(sources: given ?? []) }
            }
        case 5: return inScope(up: up) { values(entry) }
        case 6: return outputs(ofCommon: entry, up: up)
        case 8: return []
        default: break
        }
        shared.isUnknown = true
        return []
    }

    /// A dropped column of a join is `<>` and holds nothing.
    private func expression(_ item: Int) -> Origin {
        guard tree.items[item].kind == .node else { return Origin() }
        if tree.isNode(item, "VAR") { return origin(ofVariable: item) }
        var ignored: Set<PostgresColumnNumber> = []
        return Origin(sources: sources(in: item, deciding: &ignored))
    }

    private func values(_ entry: Int) -> [Origin] {
        guard let rows = tree.child(entry, "values_lists") else { return [] }
        var columns: [Origin] = []
        for row in tree.children(of: rows) {
            for (index, item) in tree.children(of: row).enumerated() {
                if columns.count <= index { columns.append(Origin()) }
                columns[index].sources.formUnion(expression(item).sources)
            }
        }
        return columns
    }

    private func outputs(ofCommon entry: Int, up: Int) -> [Origin] {
        let levels = up + (tree.integer(entry, "ctelevelsup") ?? 0)
        guard let name = tree.string(entry, "ctename"), levels < scopes.count else {
            shared.isUnknown = true
            return []
        }
        if let expression = scopes[scopes.count - 1 - levels].common[Name(name)] {
            return inScope(up: levels) { common(expression).outputs }
        }
        shared.isUnknown = true
        return []
    }
}
