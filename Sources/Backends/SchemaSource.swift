package import Enforcement
package import JSON

/// What a database says about its own schema, asked by whoever writes tools for it.
package protocol SchemaSource: Sendable {
    /// Blocks; changes nothing, and reads no row of any table. In the order of their names.
    func relations() throws(BackendError) -> [SchemaRelation]
}

/// A table or view, as far as the login may see it.
package struct SchemaRelation: Sendable {
    package enum Kind: Sendable {
        case table, view, foreignTable
    }

    /// What makes a row the only one with these values.
    package struct Key: Sendable {
        package var columns: [Name]
        package var isPrimary: Bool
        /// Of an index that has every row at most once, none of them null.
        package var isUnique: Bool

        package init(columns: [Name], isPrimary: Bool, isUnique: Bool) {
            self.columns = columns
            self.isPrimary = isPrimary
            self.isUnique = isUnique
        }
    }

    package struct Reference: Sendable {
        package var column: Name
        package var schema: Name
        package var relation: Name

        package init(column: Name, schema: Name, relation: Name) {
            self.column = column
            self.schema = schema
            self.relation = relation
        }
    }

    package var schema: Name
    package var name: Name
    /// As a statement writes it, with its schema.
    package var spelled: String
    package var kind: Kind
    package var comment: String?
    package var hasRowSecurity: Bool
    /// Whether the login may read any of it.
    package var isReadable: Bool
    package var columns: [SchemaColumn] = []
    /// Every index that is whole, those that are unique first and the primary key before them.
    package var indexes: [Key] = []
    package var references: [Reference] = []

    package init(
        schema: Name, name: Name, spelled: String, kind: Kind, comment: String? = nil,
        hasRowSecurity: Bool = false, isReadable: Bool = true
    ) {
        self.schema = schema
        self.name = name
        self.spelled = spelled
        self.kind = kind
        self.comment = comment
        self.hasRowSecurity = hasRowSecurity
        self.isReadable = isReadable
    }
}

package struct SchemaColumn: Sendable {
    package var name: Name
    /// As a statement writes it.
    package var spelled: String
    /// Without its length; of a domain what it is made of.
    package var type: Name
    package var domain: Name?
    /// Of an enumeration.
    package var labels: [String]
    package var comment: String?
    package var isReadable: Bool
    /// Of its statistics only what tells no value: how many different values there are, as a part
    /// of all rows (from 0 to 1), and how long they are in the mean.
    package var distinctPart: Double?
    package var meanBytes: Int?

    package init(
        name: Name, spelled: String, type: Name, domain: Name? = nil, labels: [String] = [],
        comment: String? = nil, isReadable: Bool = true, distinctPart: Double? = nil,
        meanBytes: Int? = nil
    ) {
        self.name = name
        self.spelled = spelled
        self.type = type
        self.domain = domain
        self.labels = labels
        self.comment = comment
        self.isReadable = isReadable
        self.distinctPart = distinctPart
        self.meanBytes = meanBytes
    }
}
