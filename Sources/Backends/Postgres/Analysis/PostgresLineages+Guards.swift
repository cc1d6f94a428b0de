internal import Enforcement
internal import JSON

/// What the database's own keys, policies, partitions, rules and functions add.
extension PostgresLineages {
    /// The tables that a change of a relation comes to: those behind a view, and of a table all
    /// above and below it.
    func tables(behind relation: UInt32) -> Set<UInt32> {
        var found: Set<UInt32> = []
        var waiting = [relation]
        while let number = waiting.popLast() {
            guard found.insert(number).inserted else { continue }
            if snapshot.relations[number]?.kind == UInt8(ascii: "v") {
                for rule in snapshot.relations[number]?.rules ?? [] where rule.event == 1 {
                    waiting += rule.action.numbers.relations
                }
            } else {
                found.formUnion(relatives(of: number, inherits: true))
            }
        }
        return found
    }

    /// A column of a table to which a foreign key leads or from which it comes.
    func atOtherEnd(_ column: PostgresColumnNumber) -> Set<PostgresColumnNumber> {
        guard snapshot.relations[column.relation] != nil else { return [column] }
        return origin(of: column, inherits: true).sources
    }

    /// By what the database chooses the rows of a relation, whatever the statement says: its
    /// policies, and of a partition what it is a partition by.
    func guarding(_ number: UInt32) -> Set<PostgresColumnNumber> {
        guard let relation = snapshot.relations[number] else { return [] }
        var found = relation.isPartition ? partitionKeys(around: number) : []
        for policy in relation.policies {
            for column in policy.outerVariables {
                let column = PostgresColumnNumber(relation: number, number: column)
                found.formUnion(origin(of: column, inherits: true).sources)
            }
            // What its sub-queries and the functions that can be read look at.
            var reading = PostgresReading(snapshot)
            reading.read(policy, as: .code)
            found.formUnion(reading.columns)
        }
        return found
    }

    /// What is known of a row by the partition that it stands in.
    func partitionKeys(around number: UInt32) -> Set<PostgresColumnNumber> {
        var found: Set<PostgresColumnNumber> = []
        for each in [number] + relatives(of: number, inherits: true) {
            for key in snapshot.relations[each]?.partitionKey ?? [] {
                let column = PostgresColumnNumber(relation: each, number: key)
                found.formUnion(origin(of: column, inherits: true).sources)
            }
        }
        return found
    }

    /// Whether a default or what generates a column calls what is not the server's own.
    func isFilled(_ column: PostgresSnapshot.Attribute) -> Bool {
        var functions = column.filledBy.functions
        functions.formUnion(column.filledBy.operators.compactMap { snapshot.operators[$0] })
        return functions.contains { number in
            guard let function = snapshot.functions[number] else { return true }
            return !function.isNative || PostgresSideEffects.isRefused(function)
        }
    }

    /// What the rewriter's rules of a relation move, and by what they choose to act.
    func told(
        byRulesOf number: UInt32, on command: Int, mayUpdate: Bool
    ) -> Set<PostgresColumnNumber> {
        var found: Set<PostgresColumnNumber> = []
        for rule in snapshot.relations[number]?.rules ?? [] where rule.event != 1 {
            guard rule.event == command || mayUpdate && rule.event == 2,
                rulesUnderWay.insert(PostgresColumnNumber(relation: number, number: rule.event))
                    .inserted
            else { continue }
            defer {
                rulesUnderWay.remove(PostgresColumnNumber(relation: number, number: rule.event))
            }
            for column in rule.condition?.outerVariables ?? [] {
                let column = PostgresColumnNumber(relation: number, number: column)
                found.formUnion(origin(of: column, inherits: true).sources)
            }
            for query in rule.action.queries {
                found.formUnion(PostgresTreeLineage(rule.action, self).lineage(of: query).deciding)
            }
        }
        return found
    }
}

extension PostgresTree {
    /// The columns of the table that an expression over it names, from its sub-queries too.
    fileprivate var outerVariables: [Int] {
        let queries = items.indices.filter { isNode($0, "QUERY") }.map { range(of: $0) }
        return items.indices.filter { item in
            isNode(item, "VAR")
                && (integer(item, "varlevelsup") ?? 0) == queries.count { $0.contains(item) }
        }.compactMap { integer($0, "varattno") }
    }
}
