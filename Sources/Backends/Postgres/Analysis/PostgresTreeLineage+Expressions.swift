/// What anything in a subtree reads.
extension PostgresTreeLineage {
    // MARK: Expressions

    /// The columns that anything in a subtree reads; what its sub-queries decide by goes to
    /// `deciding` too.
    func sources(in root: Int, deciding: inout Set<PostgresColumnNumber>) -> Set<
        PostgresColumnNumber
    > {
        var found: Set<PostgresColumnNumber> = []
        let range = tree.range(of: root)
        var item = range.lowerBound
        while item < range.upperBound {
            guard tree.items[item].kind == .node else {
                item += 1
                continue
            }
            if tree.isNode(item, "VAR") {
                found.formUnion(origin(ofVariable: item).sources)
            } else if tree.isNode(item, "QUERY") {
                let inner = lineage(of: item)
                for output in inner.outputs { found.formUnion(output.sources) }
                found.formUnion(inner.deciding)
                deciding.formUnion(inner.deciding)
                item = tree.range(of: item).upperBound
                continue
            } else if tree.isNode(item, "WINDOWFUNC") {
                found.formUnion(window(item, deciding: &deciding))
            } else if !PostgresNodes.isKnown(tree, item) {
                shared.isUnknown = true
            }
            found.formUnion(columnsOfFunctions(item))
            item += 1
        }
        return found
    }

    /// What a function of which we have the body reads by itself.
    private func columnsOfFunctions(_ item: Int) -> Set<PostgresColumnNumber> {
        guard !shared.functionColumns.isEmpty else { return [] }
        for field: StaticString in ["funcid", "opfuncid", "aggfnoid", "winfnoid"] {
            guard let number = tree.integer(item, field) else { continue }
            return shared.functionColumns[UInt32(truncatingIfNeeded: number)] ?? []
        }
        return []
    }

    private func window(
        _ item: Int, deciding: inout Set<PostgresColumnNumber>
    ) -> Set<PostgresColumnNumber> {
        guard let reference = tree.integer(item, "winref"), let scope = scopes.last else {
            return []
        }
        for window in tree.nodes(scope.query, "windowClause")
        where tree.integer(window, "winref") == reference {
            var found: Set<PostgresColumnNumber> = []
            let wanted = marks(inWindow: window)
            for entry in tree.nodes(scope.query, "targetList")
            where wanted.contains(tree.integer(entry, "ressortgroupref") ?? 0) {
                guard let expression = tree.node(entry, "expr"),
                    !tree.range(of: expression).contains(item)
                else { continue }
                found.formUnion(sources(in: expression, deciding: &deciding))
            }
            return found
        }
        shared.isUnknown = true
        return []
    }
}
