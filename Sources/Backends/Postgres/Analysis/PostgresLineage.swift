/// From which stored columns does each column of an answer come, and which columns decide more of
/// it than their own values: which rows come, in what order, how many, what is changed?
///
/// Shared by the trees of one statement: its own, and those of the views that it names.
final class PostgresLineages {
    struct Origin: Equatable {
        /// The column whose value this is, unchanged.
        var exact: PostgresColumnNumber?
        var sources: Set<PostgresColumnNumber> = []
    }

    struct Query: Equatable {
        var outputs: [Origin] = []
        var deciding: Set<PostgresColumnNumber> = []
    }

    let snapshot: PostgresSnapshot
    /// What the bodies of functions read, by function.
    var functionColumns: [UInt32: Set<PostgresColumnNumber>] = [:]
    /// True once something was met of which nobody knows what it reads.
    var isUnknown = false
    private var views: [UInt32: Query] = [:]
    private var underWay: Set<UInt32> = []
    /// By relation and event.
    var rulesUnderWay: Set<PostgresColumnNumber> = []

    init(_ snapshot: PostgresSnapshot) { self.snapshot = snapshot }

    /// The query of a view; nil for a relation that is none.
    func view(_ number: UInt32) -> Query? {
        guard let relation = snapshot.relations[number] else {
            isUnknown = true
            return nil
        }
        guard relation.kind == UInt8(ascii: "v") || relation.kind == UInt8(ascii: "m") else {
            return nil
        }
        if let known = views[number] { return known }
        guard underWay.insert(number).inserted,
            let rule = relation.rules.first(where: { $0.event == 1 }),
            let query = rule.action.queries.first
        else {
            isUnknown = true
            return Query()
        }
        let found = PostgresTreeLineage(rule.action, self).lineage(of: query)
        underWay.remove(number)
        views[number] = found
        return found
    }

    /// A column of a relation as it is read; with `inherits` through its partitions too.
    func origin(of column: PostgresColumnNumber, inherits: Bool) -> Origin {
        // Of the system's own columns only the one that names the partition tells something.
        guard column.number >= 0 else {
            return Origin(
                sources: column.number == -6 ? partitionKeys(around: column.relation) : [])
        }
        guard let relation = snapshot.relations[column.relation] else {
            isUnknown = true
            return Origin()
        }
        guard column.number > 0 else {
            let all = relation.columns.keys.map {
                origin(
                    of: PostgresColumnNumber(relation: column.relation, number: $0),
                    inherits: inherits)
            }
            return Origin(sources: all.reduce(into: []) { $0.formUnion($1.sources) })
        }
        if let view = view(column.relation) {
            guard view.outputs.indices.contains(column.number - 1) else {
                isUnknown = true
                return Origin()
            }
            return view.outputs[column.number - 1]
        }
        var sources = family(of: column, inherits: inherits)
        for number in relation.columns[column.number]?.generatedFrom ?? [] {
            let source = PostgresColumnNumber(relation: column.relation, number: number)
            sources.formUnion(family(of: source, inherits: inherits))
        }
        return Origin(exact: root(of: column), sources: sources)
    }

    /// The same column of the tables above it, and with `inherits` of those below.
    func family(of column: PostgresColumnNumber, inherits: Bool) -> Set<PostgresColumnNumber> {
        guard let name = snapshot.relations[column.relation]?.columns[column.number]?.name else {
            return [column]
        }
        var all: Set<PostgresColumnNumber> = [column]
        var waiting = relatives(of: column.relation, inherits: inherits)
        while let number = waiting.popLast() {
            guard let relation = snapshot.relations[number],
                let same = relation.columns.first(where: { $0.value.name == name })
            else { continue }
            all.insert(PostgresColumnNumber(relation: number, number: same.key))
        }
        return all
    }

    /// All tables above, and with `inherits` all below.
    func relatives(of number: UInt32, inherits: Bool) -> [UInt32] {
        var found: Set<UInt32> = []
        func add(_ next: KeyPath<PostgresSnapshot.Relation, [UInt32]>) {
            var waiting = [number]
            while let current = waiting.popLast() {
                for relative in snapshot.relations[current]?[keyPath: next] ?? []
                where found.insert(relative).inserted { waiting.append(relative) }
            }
        }
        add(\.parents)
        if inherits { add(\.children) }
        return found.sorted()
    }

    /// The table that a partition is part of has its columns.
    private func root(of column: PostgresColumnNumber) -> PostgresColumnNumber {
        var current = column
        while let relation = snapshot.relations[current.relation], relation.isPartition,
            let parent = relation.parents.first,
            let name = relation.columns[current.number]?.name,
            let same = snapshot.relations[parent]?.columns.first(where: { $0.value.name == name })
        {
            current = PostgresColumnNumber(relation: parent, number: same.key)
        }
        return current
    }
}

extension PostgresTree {
    /// The queries at its top: one a statement.
    var queries: [Int] {
        var found: [Int] = []
        var item = 0
        while item < items.count {
            if isNode(item, "QUERY") {
                found.append(item)
                item = range(of: item).upperBound
            } else {
                item += 1
            }
        }
        return found
    }
}
