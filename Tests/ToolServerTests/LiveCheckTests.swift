import Backends
import Enforcement
import JSON
import TestSupport
import Testing

@testable import ToolServer

/// What a role may do, compared with what tools need.
@Suite struct LiveCheckTests {
    private static func privilege(
        _ action: RelationPrivilege.Action, _ relation: Name, _ column: Name? = nil
    ) -> RelationPrivilege {
        RelationPrivilege(schema: "public", relation: relation, action: action, column: column)
    }

    private static func tool(
        _ name: Name, _ needs: Set<RelationPrivilege>?, effect: Tool.Effect = .read,
        operation: Enforcement.Operation? = nil
    ) throws -> Tool {
        try Tool.sample(
            name, effect: effect, operation: operation,
            examination: Examination(
                columns: [], reads: [], parameters: [], isReadOnly: effect == .read, needs: needs))
    }

    /// Has exactly `granted`, on a relation with the columns id, name and secret.
    private static func role(_ granted: Set<RelationPrivilege>) -> RolePrivileges {
        var role = RolePrivileges()
        role.role = "agent"
        role.database = "shop"
        role.mayMakeTemporary = true
        role.granted = granted
        role.columns = ["public.users": ["id", "name", "secret"]]
        role.sequences = ["public.users": ["public.users_id_seq"]]
        return role
    }

    private static let wanted: Set<RelationPrivilege> = [
        privilege(.select, "users", "id"), privilege(.select, "users", "name"),
    ]

    private static func check(
        _ role: RolePrivileges, _ tools: [Tool]? = nil, asCaller: Bool = false
    ) throws -> LiveCheck {
        let tools = try tools ?? [tool("one", wanted)]
        return LiveCheck(BackendNeeds("shop", tools), role, asCaller: asCaller)
    }

    @Test func aRoleThatHasWhatItsToolsNeedIsProved() throws {
        let check = try Self.check(Self.role(Self.wanted))
        #expect(check.problems == [] && check.warnings == [])
        #expect(check.notes == ["shop: tool `one`: SELECT (id, name) ON public.users"])
    }

    @Test func whatAToolNeedsAndTheRoleLacksIsAProblem() throws {
        let check = try Self.check(Self.role([Self.privilege(.select, "users", "id")]))
        #expect(
            check.problems == [
                "shop: role `agent` lacks what tool `one` needs: SELECT (name) ON public.users"
            ])
        let other = try Self.check(Self.role([Self.privilege(.insert, "users")]))
        #expect(other.problems.first?.contains("SELECT (id, name) ON public.users") == true)
        // The roles of callers are others.
        let callers = try Self.check(Self.role([]), asCaller: true)
        #expect(callers.problems == [])
        #expect(callers.warnings.first?.contains("`asCaller`") == true)
    }

    @Test func aWholeRelationHasEachOfItsColumnsAndMoreThanIsNeeded() throws {
        let check = try Self.check(Self.role([Self.privilege(.select, "users")]))
        #expect(check.problems == [])
        #expect(
            check.warnings == [
                "shop: role `agent` has more than its tools need: SELECT (secret) ON public.users. `toolserver grants --sql` prints what they need"
            ])
    }

    @Test func aCountNeedsAnyColumn() throws {
        let count = try Self.tool("count", [Self.privilege(.select, "users")])
        let role = Self.role([Self.privilege(.select, "users", "name")])
        let check = try Self.check(role, [count])
        #expect(check.problems == [] && check.warnings == [])
    }

    @Test func whatNoToolChangesMustNotBeChangeable() throws {
        let granted = Self.wanted.union([Self.privilege(.delete, "users")])
        let problem =
            "shop: role `agent` may change what no tool changes: DELETE ON public.users. Run REVOKE for each"
        #expect(try Self.check(Self.role(granted)).problems == [problem])
        let deleting = try Self.tool(
            "remove", Self.wanted.union([Self.privilege(.delete, "users")]), effect: .write)
        #expect(try Self.check(Self.role(granted), [deleting]).problems == [])
        let free = Enforcement.Operation.freeSQL(FreeSQLOperation(argument: "sql"))
        let reading = try Self.tool("query", nil, operation: free)
        #expect(try Self.check(Self.role(granted), [reading]).problems == [problem])
        let writing = try Self.tool("query", nil, effect: .write, operation: free)
        #expect(try Self.check(Self.role(granted), [writing]).problems == [])
    }

    @Test func everyWayAroundTheDatabasesOwnRulesIsAProblem() throws {
        let changes: [(String, (inout RolePrivileges) -> Void)] = [
            ("superuser", { $0.isSuperuser = true }),
            ("BYPASSRLS", { $0.bypassesRowSecurity = true }),
            ("member of `pg_read_all_data`", { $0.memberships = ["pg_read_all_data"] }),
            ("CREATEROLE", { $0.administers = ["CREATEROLE"] }),
            ("owns `public.users`", { $0.owned = ["public.users"] }),
            ("lacks TEMPORARY", { $0.mayMakeTemporary = false }),
        ]
        for (words, change) in changes {
            var role = Self.role(Self.wanted)
            change(&role)
            let problems = try Self.check(role).problems
            #expect(problems.count == 1 && problems[0].contains(words), "\(words) \(problems)")
        }
        var role = Self.role(Self.wanted)
        role.mayCreateInSchemas = ["public"]
        #expect(try Self.check(role).warnings.first?.contains("may create objects") == true)
    }

    // MARK: The statements that grant

    @Test func theStatementsGrantWhatIsNeededAndNothingElse() throws {
        let tools = [
            try Self.tool("one", Self.wanted),
            try Self.tool(
                "add",
                [Self.privilege(.insert, "users", "name"), Self.privilege(.select, "users", "id")],
                effect: .write),
            try Self.tool("count", [Self.privilege(.select, "users")]),
            try Self.tool(
                "query", nil, operation: .freeSQL(FreeSQLOperation(argument: "sql"))),
        ]
        let lines = GrantStatements(BackendNeeds("shop", tools), Self.role([])).lines
        #expect(
            lines.filter { $0.hasPrefix("GRANT") } == [
                "GRANT CONNECT, TEMPORARY ON DATABASE shop TO toolserver_shop;",
                "GRANT USAGE ON SCHEMA public TO toolserver_shop;",
                "GRANT INSERT (name) ON public.users TO toolserver_shop;",
                "GRANT SELECT (id) ON public.users TO toolserver_shop;",
                "GRANT USAGE ON SEQUENCE public.users_id_seq TO toolserver_shop;",
                "GRANT SELECT (id) ON public.users TO toolserver_shop;",
                "GRANT SELECT (id, name) ON public.users TO toolserver_shop;",
            ])
        #expect(lines.contains { $0.hasPrefix("-- query: its callers write the statements") })
    }

    @Test func aNameIsQuotedUnlessItIsPlain() {
        for (name, quoted) in [
            ("users", "users"), ("a_1", "a_1"), ("Users", "\"Users\""), ("user", "\"user\""),
            ("a b", "\"a b\""), ("a\"; drop table x; --", "\"a\"\"; drop table x; --\""),
            ("1a", "\"1a\""), ("", "\"\""), ("naïve", "\"naïve\""),
        ] {
            #expect(SQLNames.quoted(name) == quoted)
        }
    }

    @Test func codeOfTheDatabaseThatSeesMaskedColumnsIsARisk() throws {
        var role = Self.role(Self.wanted)
        role.ownCode = [
            OwnCode(relation: "public.users", kind: .trigger, name: "copy"),
            OwnCode(relation: "public.users", kind: .rule, name: "log"),
            OwnCode(relation: "public.users", kind: .policy, name: "own"),
            OwnCode(relation: "public.orders", kind: .trigger, name: "stamp"),
            OwnCode(relation: "public.orders", kind: .column, name: "note"),
        ]
        func warnings(_ target: MaskRule.Target, _ strategy: MaskRule.Strategy) throws -> [String] {
            let needs = BackendNeeds("shop", [try Self.tool("one", Self.wanted)])
            return LiveCheck(
                needs, role, masks: [MaskRule(id: "m", target: target, strategy: strategy)]
            ).warnings
        }
        let secret = ColumnPath(schema: "public", table: "users", column: "secret")
        for target in [
            MaskRule.Target.column(backend: "shop", secret), .field("Secret"),
            .inside(backend: "shop", secret, DocumentPath([.member("a")])),
        ] {
            let found = try warnings(target, .redact)
            #expect(found.count == 4)
            for (line, word) in zip(
                found, ["trigger `copy`", "rule `log`", "policy `own`", "`note`"])
            {
                #expect(line.contains(word), "\(line)")
            }
        }
        #expect(try warnings(.column(backend: "shop", secret), .keep) == [])
        #expect(try warnings(.column(backend: "other", secret), .redact) == [])
        #expect(try warnings(.field("ssn"), .redact) == [])
    }
}
