package import Enforcement
package import JSON

/// What a database says about the role that a backend connects as, asked by those who check it.
package protocol PrivilegeSource: Sendable {
    /// Blocks; changes nothing.
    func privileges() throws(BackendError) -> RolePrivileges
}

/// A role of a database, and everything that it may do there.
package struct RolePrivileges: Sendable {
    package var role: Name = ""
    package var database: Name = ""
    package var isSuperuser = false
    package var bypassesRowSecurity = false
    /// CREATEROLE, CREATEDB, REPLICATION.
    package var administers: [String] = []
    /// Roles of the server's own that it is a member of.
    package var memberships: [Name] = []
    /// `schema.relation`, those that it owns, itself or by membership; of many the first.
    package var owned: [Name] = []
    package var mayMakeTemporary = false
    package var mayCreateInSchemas: [Name] = []
    package var isStandby = false
    package var granted: Set<RelationPrivilege> = []
    /// Sequences from which columns of a relation are filled, by `schema.relation`.
    package var sequences: [Name: [Name]] = [:]
    /// Every column of the relations of `granted`, by `schema.relation`.
    package var columns: [Name: Set<Name>] = [:]
    /// What the database runs by itself, of all relations.
    package var ownCode: [OwnCode] = []

    package init() {}
}

/// Code of the database that sees rows, or fills columns, where no statement names it.
package struct OwnCode: Sendable {
    package enum Kind: String, Sendable {
        case trigger, rule, policy
        /// Of a column that is generated or has a default.
        case column
    }

    /// `schema.relation`, of a partition the table that it is part of.
    package let relation: Name
    package let kind: Kind
    package let name: Name

    package init(relation: Name, kind: Kind, name: Name) {
        self.relation = relation
        self.kind = kind
        self.name = name
    }
}
