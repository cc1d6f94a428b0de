package import JSON

/// A privilege on a relation: what a statement needs of its role, or what the role has.
package struct RelationPrivilege: Hashable, Sendable {
    package enum Action: String, Sendable, CaseIterable, Comparable {
        case select, insert, update, delete, truncate, references, trigger

        package static func < (left: Action, right: Action) -> Bool {
            Name(left.rawValue) < Name(right.rawValue)
        }

        package var changes: Bool { self != .select && self != .references }
    }

    package var schema: Name
    package var relation: Name
    package var action: Action
    /// Nil: of the relation as a whole.
    package var column: Name?

    package init(schema: Name, relation: Name, action: Action, column: Name? = nil) {
        self.schema = schema
        self.relation = relation
        self.action = action
        self.column = column
    }

    package var qualified: String { "\(schema).\(relation)" }
}
