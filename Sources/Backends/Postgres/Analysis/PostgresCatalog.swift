internal import Enforcement
internal import JSON

/// Asks the catalogue about what a tree names, and keeps the answers for as long as the catalogue
/// stays what it is. Lives on the thread that holds the link.
struct PostgresCatalog {
    /// More and the memory starts anew.
    static let entriesMax = 20_000
    /// Of one statement, everything behind its views included.
    static let roundsMax = 64

    private(set) var snapshot = PostgresSnapshot()
    private(set) var version = ""
    /// When the catalogue was asked for its version.
    private(set) var seen: ContinuousClock.Instant?

    /// Makes sure that the answers are still right, or were a moment ago: of a large catalogue the
    /// question costs more than the analysis of a statement.
    mutating func refresh(
        _ link: PostgresLink, unlessSince moment: ContinuousClock.Instant
    ) throws(PostgresFailure) {
        if let seen, seen > moment { return }
        let asked = ContinuousClock.now
        let now = try link.rows(Self.versionQuery).first?.first ?? nil
        seen = asked
        let count = snapshot.relations.count + snapshot.functions.count
        if now == nil || now?.isByteEqual(to: version) != true || count > Self.entriesMax {
            snapshot = PostgresSnapshot()
            version = now ?? ""
        }
    }

    /// Everything that the installation's own objects are made of. What the server brings with it
    /// has numbers below 16384 and stays as it is.
    private static let versionQuery = """
        SELECT concat_ws('/',
          (SELECT concat(count(*), ':', sum(hashtextextended(concat(oid, xmin), 0)))
             FROM pg_class WHERE oid >= 16384 AND relkind NOT IN ('i', 't', 'I')
             AND relpersistence <> 't'),
          (SELECT concat(count(*), ':', sum(hashtextextended(concat(oid, xmin), 0)))
             FROM pg_proc WHERE oid >= 16384),
          (SELECT concat(count(*), ':', sum(hashtextextended(concat(attrelid, attnum, xmin), 0)))
             FROM pg_attribute WHERE attrelid >= 16384 AND attnum > 0),
          (SELECT concat(count(*), ':', sum(hashtextextended(concat(oid, xmin), 0)))
             FROM pg_rewrite WHERE oid >= 16384),
          (SELECT concat(count(*), ':', sum(hashtextextended(concat(inhrelid, inhparent), 0)))
             FROM pg_inherits),
          (SELECT concat(count(*), ':', sum(hashtextextended(concat(oid, xmin), 0)))
             FROM pg_operator WHERE oid >= 16384),
          (SELECT concat(count(*), ':', sum(hashtextextended(concat(oid, nspname), 0)))
             FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'),
          (SELECT concat(count(*), ':', sum(hashtextextended(concat(indexrelid, xmin), 0)))
             FROM pg_index WHERE indexrelid >= 16384),
          (SELECT concat(count(*), ':', sum(hashtextextended(concat(oid, xmin), 0)))
             FROM pg_constraint WHERE oid >= 16384 AND contype IN ('c', 'f')),
          (SELECT concat(count(*), ':', sum(hashtextextended(concat(oid, xmin), 0)))
             FROM pg_trigger WHERE NOT tgisinternal),
          (SELECT concat(count(*), ':', sum(hashtextextended(concat(oid, xmin), 0)))
             FROM pg_policy),
          (SELECT concat(count(*), ':', sum(hashtextextended(concat(oid, xmin), 0)))
             FROM pg_attrdef),
          (SELECT concat(count(*), ':', sum(hashtextextended(concat(oid, xmin), 0)))
             FROM pg_type WHERE typtype = 'd' AND oid >= 16384),
          current_setting('search_path'), current_user)
        """

    /// The snapshot with all that the trees name and all that hangs on it.
    mutating func complete(
        _ numbers: PostgresNumbers, on link: PostgresLink
    ) throws(PostgresFailure) -> PostgresSnapshot {
        var wanted = numbers
        for _ in 0..<Self.roundsMax {
            wanted.functions.formUnion(wanted.operators.compactMap { snapshot.operators[$0] })
            wanted.relations.subtract(snapshot.relations.keys)
            wanted.functions.subtract(snapshot.functions.keys)
            wanted.operators.subtract(snapshot.operators.keys)
            wanted.domains.subtract(snapshot.domains.keys)
            guard !wanted.isEmpty else { return snapshot }
            var next = PostgresNumbers()
            if !wanted.operators.isEmpty {
                try loadOperators(wanted.operators, link)
                next.functions.formUnion(wanted.operators.compactMap { snapshot.operators[$0] })
            }
            if !wanted.domains.isEmpty {
                next.formUnion(try loadDomains(wanted.domains, link))
            }
            if !wanted.relations.isEmpty {
                next.formUnion(try loadRelations(wanted.relations, link))
            }
            if !wanted.functions.isEmpty {
                next.formUnion(try loadFunctions(wanted.functions, link))
            }
            wanted = next
        }
        throw PostgresFailure(message: "views and functions are nested too deeply")
    }

    private static func array(_ numbers: Set<UInt32>) -> String {
        "{" + numbers.sorted().map(String.init).joined(separator: ",") + "}"
    }

    private mutating func loadOperators(
        _ wanted: Set<UInt32>, _ link: PostgresLink
    ) throws(PostgresFailure) {
        let rows = try link.rows(
            "SELECT oid, oprcode::oid FROM pg_operator WHERE oid = ANY ($1::oid[])",
            [Self.array(wanted)])
        for row in rows {
            guard let number = row.number(0), let function = row.number(1) else { continue }
            snapshot.operators[number] = function
        }
        guard wanted.isSubset(of: snapshot.operators.keys) else { throw .changed }
    }

    private mutating func loadDomains(
        _ wanted: Set<UInt32>, _ link: PostgresLink
    ) throws(PostgresFailure) -> PostgresNumbers {
        var next = PostgresNumbers()
        for number in wanted { snapshot.domains[number] = [] }
        for row in try link.rows(Self.domainQuery, [Self.array(wanted)]) {
            guard let number = row.number(0), let text = row[1] else { continue }
            let check = try Self.tree(text)
            next.formUnion(check.numbers)
            snapshot.domains[number]?.append(check)
        }
        return next
    }

    /// The checks of a domain, and of those that it is made of.
    private static let domainQuery = """
        WITH RECURSIVE part AS (
            SELECT oid AS domain, oid, typbasetype FROM pg_type WHERE oid = ANY ($1::oid[])
            UNION ALL
            SELECT p.domain, t.oid, t.typbasetype FROM part p JOIN pg_type t ON t.oid = p.typbasetype)
        SELECT p.domain, c.conbin::text FROM part p JOIN pg_constraint c ON c.contypid = p.oid
        WHERE c.contype = 'c'
        """

    private mutating func loadRelations(
        _ wanted: Set<UInt32>, _ link: PostgresLink
    ) throws(PostgresFailure) -> PostgresNumbers {
        let list = [Self.array(wanted)]
        var found: [UInt32: PostgresSnapshot.Relation] = [:]
        var next = PostgresNumbers()
        for row in try link.rows(Self.relationQuery, list) {
            guard let number = row.number(0), let schema = row[1], let name = row[2] else {
                continue
            }
            var relation = PostgresSnapshot.Relation(
                schema: Name(schema), name: Name(name),
                kind: row[3]?.utf8.first ?? UInt8(ascii: "?"))
            relation.isPartition = row.isTrue(4)
            relation.children = row.numbers(5)
            relation.parents = row.numbers(6)
            next.relations.formUnion(relation.children + relation.parents)
            found[number] = relation
        }
        for row in try link.rows(Self.columnQuery, list) {
            guard let relation = row.number(0), let number = row.number(1), let name = row[2]
            else { continue }
            var column = PostgresSnapshot.Attribute(name: Name(name))
            column.isNotNull = row.isTrue(3)
            for (place, isGenerated) in [(4, row.isTrue(5)), (6, false)] {
                guard let text = row[place] else { continue }
                let tree = try Self.tree(text)
                if isGenerated { column.generatedFrom = Set(tree.variables) }
                column.isGenerated = column.isGenerated || isGenerated
                column.filledBy.formUnion(tree.numbers)
                next.formUnion(tree.numbers)
            }
            found[relation]?.columns[Int(number)] = column
        }
        try Self.addGuards(to: &found, &next, list, link)
        snapshot.neighbours.merge(try Self.neighbours(of: &found, list, link)) { _, new in new }
        for row in try link.rows(Self.ruleQuery, list) {
            guard let relation = row.number(0), let event = row[1].flatMap({ Int($0) }),
                let action = row[4]
            else { continue }
            let condition = try row[3].flatMap { (text) throws(PostgresFailure) in
                text.isByteEqual(to: "<>") ? nil : try Self.tree(text)
            }
            let rule = PostgresSnapshot.Rule(
                event: event, isInstead: row.isTrue(2), action: try Self.tree(action),
                condition: condition)
            next.formUnion(rule.action.numbers)
            if let condition { next.formUnion(condition.numbers) }
            found[relation]?.rules.append(rule)
        }
        guard wanted.isSubset(of: found.keys) else { throw .changed }
        snapshot.relations.merge(found) { _, new in new }
        return next
    }

    private static let relationQuery = """
        SELECT c.oid, n.nspname, c.relname, c.relkind, c.relispartition,
            (SELECT string_agg(inhrelid::text, ',') FROM pg_inherits WHERE inhparent = c.oid),
            (SELECT string_agg(inhparent::text, ',') FROM pg_inherits WHERE inhrelid = c.oid)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = ANY ($1::oid[])
        """
    /// A domain brings a default of its own.
    private static let columnQuery = """
        SELECT a.attrelid, a.attnum, a.attname, a.attnotnull, d.adbin::text,
            a.attgenerated <> '', t.typdefaultbin::text
        FROM pg_attribute a
            LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            LEFT JOIN pg_type t ON t.oid = a.atttypid AND t.typtype = 'd'
        WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
        """
    private static let ruleQuery = """
        SELECT ev_class, ev_type, is_instead, ev_qual::text, ev_action::text FROM pg_rewrite
        WHERE ev_class = ANY ($1::oid[]) AND ev_enabled <> 'D'
        """

    static func tree(_ text: String) throws(PostgresFailure) -> PostgresTree {
        do throws(PostgresTree.Malformed) { return try PostgresTree(Array(text.utf8)) } catch {
            // Nothing is known of such a statement but that: it is too much for the reader.
            throw PostgresFailure(
                code: "54001", message: "the server's tree of a statement cannot be read")
        }
    }
}

extension PostgresCatalog {
    private mutating func loadFunctions(
        _ wanted: Set<UInt32>, _ link: PostgresLink
    ) throws(PostgresFailure) -> PostgresNumbers {
        var found: [UInt32: PostgresSnapshot.Function] = [:]
        var next = PostgresNumbers()
        for row in try link.rows(Self.functionQuery, [Self.array(wanted)]) {
            guard let number = row.number(0), let schema = row[1], let name = row[2],
                let language = row[4]
            else { continue }
            let isNative =
                Self.nativeLanguages.contains(Name(language))
                || Self.systemSchemas.contains(Name(schema))
            var function = PostgresSnapshot.Function(
                schema: Name(schema), name: Name(name),
                isVolatile: row[3]?.isByteEqual(to: "v") ?? true, isNative: isNative,
                body: .native)
            function.calls = row.numbers(8)
            next.functions.formUnion(function.calls)
            if !isNative {
                let isSQL = language.isByteEqual(to: "sql")
                function.body = isSQL ? try body(of: row, link) : .opaque
            }
            if case .statements(var trees) = function.body {
                // What the server fills in where a call says nothing.
                if let defaults = row[10] { trees.append(try Self.tree(defaults)) }
                for tree in trees { next.formUnion(tree.numbers) }
                function.body = .statements(trees)
            }
            found[number] = function
        }
        guard wanted.isSubset(of: found.keys) else { throw .changed }
        snapshot.functions.merge(found) { _, new in new }
        return next
    }

    private static let nativeLanguages: Set<Name> = ["internal", "c"]
    static let systemSchemas: Set<Name> = ["pg_catalog", "information_schema"]

    /// Of an aggregate the functions that it is made of stand in its last column.
    private static let functionQuery = """
        SELECT p.oid, n.nspname, p.proname, p.provolatile, l.lanname, p.prosqlbody::text, p.prosrc,
            CASE WHEN p.prokind IN ('f', 'w') THEN pg_get_function_identity_arguments(p.oid) END,
            (SELECT string_agg(f::oid::text, ',') FROM unnest(ARRAY[aggtransfn, aggfinalfn,
                aggcombinefn, aggserialfn, aggdeserialfn, aggmtransfn, aggminvtransfn,
                aggmfinalfn]) AS f WHERE f::oid > 0),
            (SELECT string_agg(c, E'\\n') FROM unnest(p.proconfig) AS c), p.proargdefaults::text
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            JOIN pg_language l ON l.oid = p.prolang
            LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
        WHERE p.oid = ANY ($1::oid[])
        """

    /// A body in text is analysed as the statements that it is.
    private func body(
        of row: [String?], _ link: PostgresLink
    ) throws(PostgresFailure) -> PostgresSnapshot.Function.Body {
        if let text = row[5] { return .statements([try Self.tree(text)]) }
        // With settings of its own, names could mean other things than they do here.
        guard let source = row[6], let arguments = row[7], row[9] == nil else { return .opaque }
        do throws(PostgresFailure) {
            return .statements([
                try link.analysed(source, parameters: arguments)
            ])
        } catch {
            guard !error.isFatal else { throw error }
            return .opaque
        }
    }
}

extension PostgresLink {
    /// The tree of one or more statements. The server parses and analyses them and runs nothing,
    /// and what it kept of them is gone afterwards.
    ///
    /// Sent as one statement by the extended protocol: text that ends the body early is two, which
    /// that refuses. `parameters` is ours or the catalogue's.
    func analysed(_ text: String, parameters: String) throws(PostgresFailure) -> PostgresTree {
        try run("BEGIN")
        defer { try? run("ROLLBACK") }
        // On a line of its own, for a comment at the end of the text.
        _ = try rows(
            "CREATE PROCEDURE pg_temp._analysed(\(parameters)) LANGUAGE sql BEGIN ATOMIC \(text)\n; END"
        )
        let found = try rows(
            "SELECT prosqlbody::text FROM pg_proc WHERE proname = '_analysed' AND pronamespace = pg_my_temp_schema()"
        )
        guard found.count == 1, let tree = found[0][0] else { throw .changed }
        return try PostgresCatalog.tree(tree)
    }
}

extension PostgresFailure {
    /// Something that was named a moment ago is not there any more.
    static let changed = PostgresFailure(message: "the catalogue changes at this moment")
}

extension [String?] {
    func number(_ index: Int) -> UInt32? { self[index].flatMap { UInt32($0) } }
    func isTrue(_ index: Int) -> Bool { self[index]?.isByteEqual(to: "t") ?? false }
    func numbers(_ index: Int) -> [UInt32] {
        (self[index] ?? "").split(separator: ",").compactMap { UInt32($0) }
    }
}

extension PostgresTree {
    /// The numbers of all columns that an expression over one table names.
    var variables: [Int] {
        items.indices.filter { isNode($0, "VAR") }.compactMap { integer($0, "varattno") }
    }
}
