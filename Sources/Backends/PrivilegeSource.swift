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

    package init() {}
}
