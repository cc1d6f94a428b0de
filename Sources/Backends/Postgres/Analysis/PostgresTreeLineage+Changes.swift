internal import JSON

/// What a change moves, what it tells by failing, and what else may stand in the rows it returns.
extension PostgresTreeLineage {
    /// What a change moves may be shown where it lands, and whatever the database compares it with
    /// tells, by refusing it, what is there.
    func changes(_ query: Int, _ command: Int) -> Set<PostgresColumnNumber> {
        var deciding: Set<PostgresColumnNumber> = []
        let scope = scopes.count - 1
        for entry in tree.nodes(query, "targetList") where command != 4 {
            let found = sources(in: entry, deciding: &deciding)
            deciding.formUnion(found)
            if let number = tree.integer(entry, "resno"), !tree.isTrue(entry, "resjunk") {
                scopes[scope].assigned[number, default: []].formUnion(found)
            }
        }
        for part in conditionalParts(query) {
            let found = sources(in: part, deciding: &deciding)
            deciding.formUnion(found)
            // What they write where is not told apart.
            for number in tree.range(of: part).compactMap({ tree.integer($0, "resno") }) {
                scopes[scope].assigned[number, default: []].formUnion(found)
            }
        }
        guard let relation = targetRelation() else { return deciding }
        let mayUpdate =
            command == 2 || command == 5
            || tree.node(query, "onConflict").flatMap { tree.integer($0, "action") } == 2
        let change = Change(
            command: command, mayUpdate: mayUpdate, relation: relation,
            tables: shared.tables(behind: relation), written: written(relation))
        deciding.formUnion(told(by: change))
        deciding.formUnion(shared.told(byRulesOf: relation, on: command, mayUpdate: mayUpdate))
        fill(change)
        return deciding
    }

    /// One change, and what it comes to.
    private struct Change {
        /// 2 update, 3 insert, 4 delete, 5 merge.
        let command: Int
        let mayUpdate: Bool
        let relation: UInt32
        let tables: Set<UInt32>
        let written: Set<PostgresColumnNumber>

        var inserts: Bool { command == 3 || command == 5 }
    }

    private func targetRelation() -> UInt32? {
        let (table, target) = (scopes[scopes.count - 1].rangeTable, scopes[scopes.count - 1].target)
        guard target > 0, target <= table.count,
            let number = tree.integer(table[target - 1], "relid")
        else { return nil }
        return UInt32(truncatingIfNeeded: number)
    }

    private func written(_ relation: UInt32) -> Set<PostgresColumnNumber> {
        scopes[scopes.count - 1].assigned.keys.reduce(into: []) { written, number in
            let column = PostgresColumnNumber(relation: relation, number: number)
            written.formUnion(shared.origin(of: column, inherits: true).sources)
        }
    }

    /// What ON CONFLICT and the actions of MERGE say. Not the list of what is excluded, which
    /// names every column.
    private func conditionalParts(_ query: Int) -> [Int] {
        var parts = tree.nodes(query, "mergeActionList")
        if let conflict = tree.node(query, "onConflict") {
            for field: StaticString in [
                "arbiterElems", "arbiterWhere", "onConflictSet", "onConflictWhere",
            ] {
                parts += tree.nodes(conflict, field)
            }
        }
        return parts
    }

    // MARK: What is told by failing

    private func told(by change: Change) -> Set<PostgresColumnNumber> {
        var told: Set<PostgresColumnNumber> = []
        for table in change.tables {
            guard let relation = shared.snapshot.relations[table] else { continue }
            for unique in relation.uniques where change.command != 4 {
                let columns = sources(unique, of: table)
                // An update meets only the keys that it writes.
                if change.inserts || !columns.isDisjoint(with: change.written) {
                    told.formUnion(columns)
                }
            }
            // A new row is compared with itself alone.
            for check in relation.checks where change.mayUpdate {
                let columns = sources(check, of: table)
                if !columns.isDisjoint(with: change.written) { told.formUnion(columns) }
            }
            // Whether there is such a row at the other end, in either direction.
            for reference in relation.references {
                let isMet =
                    change.command != 2
                    || !sources(reference.columns, of: table).isDisjoint(with: change.written)
                if isMet { told.formUnion(reference.others.flatMap(shared.atOtherEnd)) }
            }
        }
        return told
    }

    private func sources(_ numbers: Set<Int>, of relation: UInt32) -> Set<PostgresColumnNumber> {
        numbers.reduce(into: []) { sources, number in
            let column = PostgresColumnNumber(relation: relation, number: number)
            sources.formUnion(shared.origin(of: column, inherits: true).sources)
        }
    }

    // MARK: What else is returned

    /// Triggers, rules and functions of the database may put into a row what they like.
    private func fill(_ change: Change) {
        let scope = scopes.count - 1
        let known = change.tables.compactMap { shared.snapshot.relations[$0] }
        let isMoved = change.command == 2 && known.contains(where: \.isPartition)
        scopes[scope].isFilled = known.contains { relation in
            relation.triggers.contains { trigger in
                trigger.fills(change.command, mayUpdate: change.mayUpdate)
                    // A row that goes to another partition is inserted there.
                    || isMoved && trigger.fills(3, mayUpdate: false)
            }
                || relation.rules.contains { $0.isInstead && $0.event == change.command }
        }
        guard change.command != 4, let target = shared.snapshot.relations[change.relation] else {
            return
        }
        if target.kind == UInt8(ascii: "v") {
            // Its columns and those of the tables are not told apart.
            let isFilled = known.contains { $0.columns.values.contains(where: shared.isFilled) }
            scopes[scope].isFilled = scopes[scope].isFilled || isFilled
            return
        }
        for (number, column) in target.columns where shared.isFilled(column) {
            let isWritten = scopes[scope].assigned[number] != nil
            guard change.inserts || column.isGenerated || isWritten else { continue }
            scopes[scope].assigned[number, default: []].insert(.anything)
        }
    }
}
