internal import Enforcement
internal import JSON

/// A privilege that the server will ask for, by numbers; column 0 is any or all.
struct PostgresNeed: Hashable {
    let relation: UInt32
    let action: RelationPrivilege.Action
    let column: Int?

    /// `ACL_…` of `nodes/parsenodes.h`.
    private static let bits: [(bit: Int, action: RelationPrivilege.Action)] = [
        (1, .insert), (2, .select), (4, .update), (8, .delete),
    ]

    /// As `requiredPerms` and the sets of columns beside it say.
    static func all(
        of holder: Int?, in tree: PostgresTree, on relation: UInt32
    ) -> Set<PostgresNeed> {
        guard let holder, let required = tree.integer(holder, "requiredPerms") else { return [] }
        var needs: Set<PostgresNeed> = []
        for (bit, action) in bits where required & bit != 0 {
            let columns = columns(of: action, holder, tree)
            if columns.isEmpty {
                needs.insert(PostgresNeed(relation: relation, action: action, column: nil))
            }
            for column in columns {
                needs.insert(PostgresNeed(relation: relation, action: action, column: column))
            }
        }
        return needs
    }

    private static func columns(
        of action: RelationPrivilege.Action, _ holder: Int, _ tree: PostgresTree
    ) -> [Int] {
        switch action {
        case .select: tree.integers(holder, "selectedCols").map { $0 - 7 }
        case .insert: tree.integers(holder, "insertedCols").map { $0 - 7 }
        case .update: tree.integers(holder, "updatedCols").map { $0 - 7 }
        default: []
        }
    }
}

extension PostgresNames {
    /// A whole row needs each of its columns. Nil where something has no name.
    func privileges(_ needs: Set<PostgresNeed>) -> Set<RelationPrivilege>? {
        var privileges: Set<RelationPrivilege> = []
        for need in needs {
            guard let relation = snapshot.relations[need.relation] else { return nil }
            func insert(_ column: Name?) {
                privileges.insert(
                    RelationPrivilege(
                        schema: relation.schema, relation: relation.name, action: need.action,
                        column: column))
            }
            switch need.column {
            case nil: insert(nil)
            case 0?: for column in relation.columns.values { insert(column.name) }
            case let number?:
                // System columns come with the relation.
                guard number > 0 else { continue }
                guard let column = relation.columns[number] else { return nil }
                insert(column.name)
            }
        }
        return privileges
    }
}
