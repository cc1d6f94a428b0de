internal import JSON

/// The lineage of one tree's queries.
final class PostgresTreeLineage {
    typealias Origin = PostgresLineages.Origin
    typealias Query = PostgresLineages.Query

    /// One query around the place that is looked at.
    struct Scope {
        let query: Int
        let rangeTable: [Int]
        /// What its `WITH` names.
        let common: [Name: Int]
        /// Where a change has just written: from what.
        var assigned: [Int: Set<PostgresColumnNumber>] = [:]
        /// True where code of the database may have written anything into the target's rows.
        var isFilled = false
        let target: Int
    }

    static let depthMax = 100

    let tree: PostgresTree
    let shared: PostgresLineages
    var scopes: [Scope] = []
    var known: [Int: Query] = [:]
    /// Of entries of range tables.
    var knownOutputs: [Int: [Origin]] = [:]
    /// Recursive queries under way, with what is known of them so far.
    var recursive: [Int: Query] = [:]

    init(_ tree: PostgresTree, _ shared: PostgresLineages) {
        self.tree = tree
        self.shared = shared
    }

    func lineage(of query: Int) -> Query {
        if let found = known[query] { return found }
        guard scopes.count < Self.depthMax else {
            shared.isUnknown = true
            return Query()
        }
        let target = tree.integer(query, "resultRelation") ?? 0
        let common = tree.nodes(query, "cteList").map { expression in
            (Name(tree.string(expression, "ctename") ?? ""), expression)
        }
        scopes.append(
            Scope(
                query: query, rangeTable: tree.nodes(query, "rtable"),
                common: Dictionary(common) { first, _ in first }, target: target))
        defer { scopes.removeLast() }
        var found = Query()
        found.deciding = decidingFrom(query)
        found.deciding.formUnion(decidingClauses(query))
        let command = tree.integer(query, "commandType") ?? 0
        if command > 1 { found.deciding.formUnion(changes(query, command)) }
        let setOperations = tree.node(query, "setOperations")
        let shown = tree.nodes(query, command > 1 ? "returningList" : "targetList")
        if let setOperations {
            found.outputs = outputs(ofSetOperations: setOperations)
        } else {
            for entry in shown where !tree.isTrue(entry, "resjunk") {
                found.outputs.append(origin(ofEntry: entry, deciding: &found.deciding))
            }
        }
        for entry in shown where tree.isTrue(entry, "resjunk") {
            // Sub-queries in there may decide as well.
            _ = sources(in: entry, deciding: &found.deciding)
        }
        if let setOperations, !isAllUnion(setOperations) {
            for output in found.outputs { found.deciding.formUnion(output.sources) }
        }
        known[query] = found
        return found
    }

    private func origin(ofEntry entry: Int, deciding: inout Set<PostgresColumnNumber>) -> Origin {
        guard let expression = tree.node(entry, "expr") else {
            shared.isUnknown = true
            return Origin()
        }
        if tree.isNode(expression, "VAR") { return origin(ofVariable: expression) }
        let found = sources(in: expression, deciding: &deciding)
        let isTotal = PostgresTotality(tree: tree, snapshot: shared.snapshot).isTotal(expression)
        if !isTotal { deciding.formUnion(found) }
        // A change of type that keeps the bytes shows the column as it is.
        if tree.isNode(expression, "RELABELTYPE"), let inner = tree.node(expression, "arg"),
            tree.isNode(inner, "VAR")
        {
            return origin(ofVariable: inner)
        }
        return Origin(sources: found)
    }

    // MARK: Where rows come from

    private func decidingFrom(_ query: Int) -> Set<PostgresColumnNumber> {
        var deciding: Set<PostgresColumnNumber> = []
        for expression in tree.nodes(query, "cteList") {
            deciding.formUnion(common(expression).deciding)
        }
        for entry in tree.nodes(query, "rtable") {
            switch tree.integer(entry, "rtekind") {
            case 0:
                guard let relation = tree.integer(entry, "relid") else { continue }
                deciding.formUnion(shared.guarding(UInt32(truncatingIfNeeded: relation)))
                if tree.isTrue(entry, "inFromCl") || isTarget(entry, of: query),
                    let view = shared.view(UInt32(truncatingIfNeeded: relation))
                {
                    deciding.formUnion(view.deciding)
                }
                if let sample = tree.node(entry, "tablesample") {
                    deciding.formUnion(sources(in: sample, deciding: &deciding))
                }
            case 1:
                if let inner = tree.node(entry, "subquery") {
                    deciding.formUnion(lineage(of: inner).deciding)
                }
            case 3:
                // How many rows a function makes depends on what it is given.
                for function in tree.nodes(entry, "functions") {
                    deciding.formUnion(sources(in: function, deciding: &deciding))
                }
            case 4:
                if let table = tree.node(entry, "tablefunc") {
                    deciding.formUnion(sources(in: table, deciding: &deciding))
                }
            case 5:
                if let values = tree.child(entry, "values_lists") {
                    _ = sources(in: values, deciding: &deciding)
                }
            case 2, 6, 8: break
            default: shared.isUnknown = true
            }
        }
        return deciding
    }

    private func isTarget(_ entry: Int, of query: Int) -> Bool {
        let target = tree.integer(query, "resultRelation") ?? 0
        let entries = tree.nodes(query, "rtable")
        return target > 0 && target <= entries.count && entries[target - 1] == entry
    }

    /// What joins, filters, orders, groups and cuts.
    private func decidingClauses(_ query: Int) -> Set<PostgresColumnNumber> {
        var deciding: Set<PostgresColumnNumber> = []
        for field: StaticString in ["jointree", "havingQual", "limitOffset", "limitCount"] {
            if let clause = tree.node(query, field) {
                deciding.formUnion(sources(in: clause, deciding: &deciding))
            }
        }
        var marks: Set<Int> = []
        for field: StaticString in ["groupClause", "distinctClause", "sortClause"] {
            marks.formUnion(self.marks(tree.nodes(query, field)))
        }
        for window in tree.nodes(query, "windowClause") {
            marks.formUnion(self.marks(inWindow: window))
            for field: StaticString in ["startOffset", "endOffset"] {
                guard let offset = tree.node(window, field) else { continue }
                deciding.formUnion(sources(in: offset, deciding: &deciding))
            }
        }
        deciding.formUnion(sources(ofMarked: marks, in: query, deciding: &deciding))
        return deciding
    }

    func marks(_ clauses: [Int]) -> Set<Int> {
        Set(clauses.compactMap { tree.integer($0, "tleSortGroupRef") }.filter { $0 > 0 })
    }

    func marks(inWindow window: Int) -> Set<Int> {
        marks(tree.nodes(window, "partitionClause") + tree.nodes(window, "orderClause"))
    }

    private func sources(
        ofMarked marks: Set<Int>, in query: Int, deciding: inout Set<PostgresColumnNumber>
    ) -> Set<PostgresColumnNumber> {
        var found: Set<PostgresColumnNumber> = []
        guard !marks.isEmpty else { return found }
        for entry in tree.nodes(query, "targetList") {
            guard let mark = tree.integer(entry, "ressortgroupref"), marks.contains(mark) else {
                continue
            }
            found.formUnion(sources(in: entry, deciding: &deciding))
        }
        return found
    }
}
