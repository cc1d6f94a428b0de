internal import Enforcement
internal import JSON

/// What the trees of one statement touch: its own, and those that hang on it (views, rewriter's
/// rules, bodies of functions). Everything in them is visited; what only the server decides while
/// it runs stands as unknown.
struct PostgresReading {
    private let snapshot: PostgresSnapshot
    let lineages: PostgresLineages
    private(set) var facts = StatementFacts()
    /// True where rows are changed or locked.
    private(set) var changes = false
    /// Relations that the statement itself names, not those behind its views.
    private(set) var named: Set<UInt32> = []
    private(set) var functions: Set<UInt32> = []
    /// What the server asks of the statement's own role.
    private(set) var needs: Set<PostgresNeed> = []
    private(set) var columns: Set<PostgresColumnNumber> = []
    private var seenRelations: Set<UInt32> = []
    private var seenDomains: Set<UInt32> = []
    /// By relation and event.
    private var seenRules: Set<PostgresColumnNumber> = []

    init(_ snapshot: PostgresSnapshot) {
        self.snapshot = snapshot
        lineages = PostgresLineages(snapshot)
    }

    enum Part {
        case statement
        /// Only what a view shows of it counts as used.
        case view(UInt32)
        case code
    }

    /// Functions first: what they read is part of the lineage of whatever calls them.
    private mutating func readFunctions(of tree: PostgresTree) {
        let numbers = tree.numbers
        let operators = numbers.operators.compactMap { snapshot.operators[$0] }
        read(functions: numbers.functions.union(operators))
        for domain in numbers.domains where seenDomains.insert(domain).inserted {
            for check in snapshot.domains[domain] ?? [] { readFunctions(of: check) }
        }
    }

    mutating func read(functions called: Set<UInt32>) {
        var waiting = called
        let seen = functions
        waiting.subtract(seen)
        while let number = waiting.popFirst() {
            guard functions.insert(number).inserted else { continue }
            guard let function = snapshot.functions[number] else {
                facts = .unknown
                continue
            }
            facts.functions.insert(function.qualified)
            waiting.formUnion(function.calls)
            switch function.body {
            case .native: break
            case .opaque: doubt()
            case .statements(let trees):
                var inner = PostgresReading(snapshot)
                inner.functions = functions
                for tree in trees { inner.read(tree, as: .code) }
                take(inner)
                lineages.functionColumns[number] = inner.columns
            }
        }
    }

    /// Code that nobody can read may touch anything.
    private mutating func doubt() {
        facts.kinds.isComplete = false
        facts.reads.isComplete = false
        facts.writes.isComplete = false
        facts.columns.isComplete = false
        facts.functions.isComplete = false
        facts.whereless.isComplete = false
        lineages.isUnknown = true
    }

    private mutating func take(_ inner: PostgresReading) {
        facts.formUnion(inner.facts)
        changes = changes || inner.changes
        functions.formUnion(inner.functions)
        columns.formUnion(inner.columns)
        if inner.lineages.isUnknown { lineages.isUnknown = true }
    }

    mutating func read(_ tree: PostgresTree, as part: Part) {
        readFunctions(of: tree)
        for item in tree.items.indices where tree.items[item].kind == .node {
            if tree.isNode(item, "QUERY") {
                readQuery(tree, item, part)
            } else if tree.isNode(item, "MERGEACTION") {
                addKind(tree.integer(item, "commandType") ?? 0)
            } else if tree.isNode(item, "ONCONFLICTEXPR"), tree.integer(item, "action") == 2 {
                addKind(2)
            } else if !PostgresNodes.isExpected(tree, item) {
                lineages.isUnknown = true
            }
        }
    }

    private static let commands: [Int: Name] = [
        1: "select", 2: "update", 3: "insert", 4: "delete", 5: "merge",
    ]

    private mutating func addKind(_ command: Int) {
        guard command != 7 else { return }
        guard let kind = Self.commands[command] else {
            facts.kinds.isComplete = false
            changes = true
            return
        }
        facts.kinds.insert(kind)
        if command != 1 { changes = true }
    }

    private mutating func readQuery(_ tree: PostgresTree, _ query: Int, _ part: Part) {
        let command = tree.integer(query, "commandType") ?? 0
        addKind(command)
        if tree.nodes(query, "rowMarks").isEmpty == false {
            facts.kinds.insert("lock")
            changes = true
        }
        for kind in PostgresCondition.whereless(tree, snapshot, query: query) {
            facts.whereless.insert(Name(kind))
        }
        let target = tree.integer(query, "resultRelation") ?? 0
        let excluded = tree.node(query, "onConflict").flatMap {
            tree.integer($0, "exclRelIndex")
        }
        let permissions = tree.nodes(query, "rteperminfos")
        for (index, entry) in tree.nodes(query, "rtable").enumerated() {
            guard tree.integer(entry, "rtekind") == 0, let number = tree.integer(entry, "relid"),
                number > 0
            else { continue }
            let relation = UInt32(truncatingIfNeeded: number)
            if case .view(let owner) = part, owner == relation,
                !tree.isTrue(entry, "inFromCl")
            {
                continue
            }
            let holder = Self.holder(of: entry, tree, permissions)
            let isTarget = index + 1 == target && command > 1
            let used = use(tree, holder, relation, part)
            let inherits = tree.isTrue(entry, "inh")
            if case .statement = part {
                named.insert(relation)
                needs.formUnion(PostgresNeed.all(of: holder, in: tree, on: relation))
            }
            if isTarget {
                // What is written to a partitioned table goes to its partitions, always.
                let isPartitioned = snapshot.relations[relation]?.kind == UInt8(ascii: "p")
                touch(
                    relation, inherits: inherits || isPartitioned, writes: true, event: command)
                if used { touch(relation, inherits: inherits, writes: false, event: 1) }
            } else if index + 1 != excluded {
                touch(relation, inherits: inherits, writes: false, event: 1)
            }
        }
    }

    /// Where the columns in use stand: in the entry itself up to 15, beside the table after.
    private static func holder(of entry: Int, _ tree: PostgresTree, _ permissions: [Int]) -> Int? {
        guard let index = tree.integer(entry, "perminfoindex") else { return entry }
        return permissions.indices.contains(index - 1) ? permissions[index - 1] : nil
    }

    /// Notes the columns in use; answers whether any is read.
    private mutating func use(
        _ tree: PostgresTree, _ holder: Int?, _ relation: UInt32, _ part: Part
    ) -> Bool {
        // Of a view counts what is shown of it, and by what it decides: the lineage has both.
        guard let holder else { return false }
        let selected = tree.integers(holder, "selectedCols").map { $0 - 7 }
        if case .view = part { return !selected.isEmpty }
        for number in selected { add(PostgresColumnNumber(relation: relation, number: number)) }
        for field: StaticString in ["insertedCols", "updatedCols"] {
            for number in tree.integers(holder, field) {
                add(PostgresColumnNumber(relation: relation, number: number - 7))
            }
        }
        return !selected.isEmpty
    }

    private mutating func add(_ column: PostgresColumnNumber) {
        guard column.number >= 0 else { return }
        guard let relation = snapshot.relations[column.relation] else {
            facts.columns.isComplete = false
            return
        }
        if column.number == 0 {
            for number in relation.columns.keys {
                add(PostgresColumnNumber(relation: column.relation, number: number))
            }
            return
        }
        columns.insert(column)
        let origin = lineages.origin(of: column, inherits: true)
        columns.formUnion(origin.sources)
        if let view = lineages.view(column.relation) { columns.formUnion(view.deciding) }
    }

    /// A relation that a statement about the schema names.
    mutating func touch(named relation: UInt32) {
        touch(relation, inherits: true, writes: false, event: 1)
        touch(relation, inherits: true, writes: true, event: 5)
    }

    /// A relation that is read or written, with those behind, above and below it.
    private mutating func touch(
        _ number: UInt32, inherits: Bool, writes: Bool, event: Int
    ) {
        var all = [number]
        all += lineages.relatives(of: number, inherits: inherits).filter { relative in
            // A table that inherits is one of its own; a partition is a part of what is above.
            snapshot.relations[number]?.isPartition == true || isBelow(relative, number)
        }
        for each in all {
            guard let relation = snapshot.relations[each] else {
                facts.reads.isComplete = false
                facts.writes.isComplete = false
                continue
            }
            if writes {
                facts.writes.insert(relation.qualified)
            } else {
                facts.reads.insert(relation.qualified)
            }
            follow(relation, each, writes: writes, event: event)
        }
    }

    private func isBelow(_ relative: UInt32, _ number: UInt32) -> Bool {
        var waiting = [number]
        var seen: Set<UInt32> = []
        while let current = waiting.popLast() {
            for child in snapshot.relations[current]?.children ?? []
            where seen.insert(child).inserted {
                if child == relative { return true }
                waiting.append(child)
            }
        }
        return false
    }

    private mutating func follow(
        _ relation: PostgresSnapshot.Relation, _ number: UInt32, writes: Bool, event: Int
    ) {
        let isView =
            relation.kind == UInt8(ascii: "v") || relation.kind == UInt8(ascii: "m")
        if isView, seenRelations.insert(number).inserted {
            for rule in relation.rules where rule.event == 1 {
                readView(rule.action, number, writes: false)
            }
        }
        guard writes else { return }
        if isView, relation.kind == UInt8(ascii: "v"),
            seenRules.insert(PostgresColumnNumber(relation: number, number: 1)).inserted
        {
            // Without a rule of its own, a change of a view is one of what stands behind it.
            for rule in relation.rules where rule.event == 1 {
                readView(rule.action, number, writes: true)
            }
        }
        for rule in relation.rules
        where rule.event != 1 && (event == 5 || rule.event == event) {
            let key = PostgresColumnNumber(relation: number, number: rule.event)
            guard seenRules.insert(key).inserted else { continue }
            var inner = PostgresReading(snapshot)
            inner.seenRules = seenRules
            inner.read(rule.action, as: .code)
            if let condition = rule.condition { inner.read(condition, as: .code) }
            take(inner)
        }
    }

    private mutating func readView(_ tree: PostgresTree, _ number: UInt32, writes: Bool) {
        var inner = PostgresReading(snapshot)
        inner.seenRelations = seenRelations
        inner.read(tree, as: .view(number))
        if writes {
            for relation in inner.facts.reads.values { facts.writes.insert(relation) }
            facts.writes.isComplete = facts.writes.isComplete && inner.facts.reads.isComplete
            return
        }
        inner.facts.kinds = StatementFacts.Finding(isComplete: inner.facts.kinds.isComplete)
        seenRelations.formUnion(inner.seenRelations)
        take(inner)
    }
}
