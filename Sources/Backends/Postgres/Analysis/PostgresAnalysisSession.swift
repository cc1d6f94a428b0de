internal import Enforcement
internal import JSON

/// One link that analyses, with what it knows of the catalogue.
struct PostgresAnalysisSession {
    let link: PostgresLink
    private var catalog = PostgresCatalog()

    init(_ options: PostgresOptions) throws(PostgresAnalysisError) {
        link = try Self.asking { () throws(PostgresFailure) in
            let link = try PostgresLink(options)
            guard link.serverVersion >= 140_000 else {
                throw PostgresFailure(message: "PostgreSQL 14 or later is needed")
            }
            // A statement that is hard to analyse, or whose tables are locked, is refused soon.
            try link.run(
                """
                SET statement_timeout = '2s'; SET lock_timeout = '500ms';
                SET plan_cache_mode = force_generic_plan; SET default_transaction_read_only = off
                """)
            try link.run(Self.haste)
            return link
        }
    }

    /// A tree may have megabytes. The server would read it once more to check it, which describing
    /// the statement has done, and compress it by the slower of its ways.
    private static let haste = """
        SET check_function_bodies = off;
        SELECT set_config(name, 'lz4', false) FROM pg_settings
        WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)
        """

    var version: String { catalog.version }

    private static func asking<Answer>(
        _ body: () throws(PostgresFailure) -> Answer
    ) throws(PostgresAnalysisError) -> Answer {
        do throws(PostgresFailure) { return try body() } catch { throw .server(error) }
    }

    mutating func refresh(
        unlessSince moment: ContinuousClock.Instant = .now
    ) throws(PostgresAnalysisError) {
        do throws(PostgresFailure) { try catalog.refresh(link, unlessSince: moment) } catch {
            throw .server(error)
        }
    }

    mutating func examine(
        _ text: String, effect: Tool.Effect, author: PostgresAnalyst.Author, wantsEstimate: Bool,
        age: Duration
    ) throws(PostgresAnalysisError) -> PostgresFindings {
        let tokens: PostgresTokens
        let form: PostgresStatementForm
        do throws(PostgresTokens.Refused) {
            tokens = try PostgresTokens(text)
            form = try PostgresStatementForm(tokens, effect: effect)
        } catch {
            throw .refused(error.told)
        }
        try refresh(unlessSince: .now - age)
        do throws(PostgresFailure) {
            var work = PostgresAnalysis(
                text: text, tokens: tokens, effect: effect, author: author,
                wantsEstimate: wantsEstimate, link: link, catalog: catalog)
            defer { catalog = work.catalog }
            return try work.findings(form)
        } catch {
            if let told = error.refusal { throw .refused(told) }
            throw .server(error)
        }
    }

    /// Every column that a rule may name: what the role can see of the schemas that are its own.
    mutating func columns() throws(PostgresAnalysisError) -> BackendColumns {
        let link = link
        let rows = try Self.asking { () throws(PostgresFailure) in
            try link.rows(
                """
                SELECT n.nspname, c.relname, a.attname, c.relkind IN ('v', 'm')
                FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                    JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r','v','m','f','p')
                    AND n.nspname <> 'pg_toast' AND n.nspname !~ '^pg_(toast_)?temp_'
                    AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                """)
        }
        let functions = try Self.asking { () throws(PostgresFailure) in
            try link.rows(
                """
                SELECT DISTINCT n.nspname || '.' || p.proname
                FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                """)
        }
        var columns = BackendColumns(
            stored: [], functions: Set(functions.compactMap { $0[0].map { Name($0) } }),
            foldsNames: false)
        for row in rows {
            guard let schema = row[0], let table = row[1], let column = row[2] else { continue }
            let path = ColumnPath(schema: Name(schema), table: Name(table), column: Name(column))
            if row[3]?.isByteEqual(to: "t") == true {
                columns.viewed.insert(path)
            } else {
                columns.stored.insert(path)
            }
        }
        return columns
    }
}

/// The analysis of one statement.
struct PostgresAnalysis {
    let text: String
    let tokens: PostgresTokens
    let effect: Tool.Effect
    let author: PostgresAnalyst.Author
    let wantsEstimate: Bool
    let link: PostgresLink
    var catalog: PostgresCatalog

    mutating func findings(_ form: PostgresStatementForm) throws(PostgresFailure)
        -> PostgresFindings
    {
        switch form {
        case .query: return try query(text)
        case .show: return try show()
        case .explain(let inner): return try explain(inner)
        case .schema(let kinds, let inner): return try schema(kinds, inner)
        }
    }

    private func result(
        _ examination: Examination, types: [UInt32] = [], parameterTypes: [UInt32]? = nil
    ) -> PostgresFindings {
        PostgresFindings(
            examination: examination, types: types, parameterTypes: parameterTypes,
            version: catalog.version, seen: catalog.seen ?? .now)
    }

    // MARK: Queries

    private mutating func query(_ text: String) throws(PostgresFailure) -> PostgresFindings {
        let description = try link.describe(text)
        let reading = try read(text, description)
        try check(reading)
        var examination = try examination(reading, description)
        if wantsEstimate, let estimate = estimate(text, description) {
            examination.statement?.rows = estimate.rows
            examination.statement?.cost = estimate.cost
        }
        return result(
            examination, types: description.columns.map(\.type),
            parameterTypes: description.parameters)
    }

    private struct Read {
        var reading: PostgresReading
        var lineage: PostgresLineages.Query
        var snapshot: PostgresSnapshot
    }

    private mutating func read(
        _ text: String, _ description: PostgresDescription
    ) throws(PostgresFailure) -> Read {
        let types = try parameterTypes(description.parameters)
        let tree = try link.analysed(text, parameters: types)
        let queries = tree.queries
        guard queries.count == 1 else {
            throw .refused("the text holds more than one statement; send one a call")
        }
        let snapshot = try catalog.complete(tree.numbers, on: link)
        var reading = PostgresReading(snapshot)
        reading.read(tree, as: .statement)
        let lineage = PostgresTreeLineage(tree, reading.lineages).lineage(of: queries[0])
        return Read(reading: reading, lineage: lineage, snapshot: snapshot)
    }

    private func parameterTypes(_ types: [UInt32]) throws(PostgresFailure) -> String {
        guard !types.isEmpty else { return "" }
        let list = "{" + types.map(String.init).joined(separator: ",") + "}"
        let rows = try link.rows(
            "SELECT format_type(t, NULL) FROM unnest($1::oid[]) WITH ORDINALITY AS u(t, n) ORDER BY n",
            [list])
        return rows.compactMap { $0[0] }.joined(separator: ", ")
    }

    /// What a caller's own statement may never do, whatever the rules say.
    private func check(_ read: Read) throws(PostgresFailure) {
        let reading = read.reading
        if effect == .read, reading.changes, author == .caller {
            throw .refused("this tool only reads, and the statement changes or locks something")
        }
        guard author == .caller else { return }
        for number in reading.functions {
            guard let function = read.snapshot.functions[number] else { continue }
            if PostgresSideEffects.isRefused(function) {
                throw .refused(
                    "function \(function.qualified) is refused: it does more than compute")
            }
            if effect == .read, Self.isVolatile(function) {
                throw .refused(
                    "function \(function.qualified) is refused: it may change something, and this tool only reads"
                )
            }
        }
        for number in reading.named {
            guard let relation = read.snapshot.relations[number],
                PostgresCatalog.systemSchemas.contains(relation.schema)
                    || relation.schema.text.utf8.starts(with: "pg_".utf8)
            else { continue }
            throw .refused(
                "relation \(relation.qualified) is refused: catalogues show what is others'; use the tool that describes the backend"
            )
        }
    }

    private static func isVolatile(_ function: PostgresSnapshot.Function) -> Bool {
        function.isVolatile && !PostgresSideEffects.isHarmless(function)
    }

    private func examination(
        _ read: Read, _ description: PostgresDescription
    ) throws(PostgresFailure) -> Examination {
        let names = PostgresNames(read.snapshot)
        let lineages = read.reading.lineages
        var outputs = read.lineage.outputs
        if outputs.count != description.columns.count {
            lineages.isUnknown = true
            outputs = description.columns.map { _ in PostgresLineages.Origin() }
        }
        for (index, column) in description.columns.enumerated() {
            compare(column, with: &outputs[index], lineages)
        }
        var facts = read.reading.facts
        let all = read.reading.columns.union(read.lineage.deciding)
            .union(outputs.flatMap(\.sources))
        for column in all where column != .anything {
            guard let name = names.qualified(column) else {
                facts.columns.isComplete = false
                continue
            }
            facts.columns.insert(name)
        }
        let isKnown = !lineages.isUnknown && facts.columns.isComplete
        func paths(_ columns: Set<PostgresColumnNumber>) -> Set<ColumnPath>? {
            isKnown && !columns.contains(.anything) ? names.paths(columns) : nil
        }
        let columns = zip(description.columns, outputs).map { column, output in
            let sources = paths(output.sources)
            return Column(
                name: column.name, origin: sources == nil ? nil : output.exact.flatMap(names.path),
                sources: sources, kind: .any)
        }
        let calls = read.reading.functions.compactMap { read.snapshot.functions[$0] }
        return Examination(
            columns: columns, reads: paths(all), deciding: paths(read.lineage.deciding),
            parameters: [],
            isReadOnly: !read.reading.changes && !calls.contains(where: Self.isVolatile),
            statement: facts, needs: names.privileges(read.reading.needs))
    }

    /// What the server says about a column of the answer must be among what we found.
    private func compare(
        _ column: PostgresDescription.Column, with output: inout PostgresLineages.Origin,
        _ lineages: PostgresLineages
    ) {
        guard column.table != 0, column.number > 0 else { return }
        let told = PostgresColumnNumber(relation: column.table, number: column.number)
        let sources = lineages.origin(of: told, inherits: false).sources
        guard !sources.isSubset(of: output.sources) else { return }
        lineages.isUnknown = true
        output.sources.formUnion(sources)
    }

    // MARK: The planner

    /// Planning runs functions that cannot change: only now, when they have been looked at.
    private func estimate(
        _ text: String, _ description: PostgresDescription
    ) -> (rows: JSONNumber, cost: JSONNumber)? {
        do throws(PostgresFailure) {
            try link.run("BEGIN READ ONLY; SET LOCAL statement_timeout = '500ms'")
            defer { try? link.run("ROLLBACK") }
            _ = try link.rows("PREPARE _estimated AS \(text)")
            defer { try? link.run("DEALLOCATE _estimated") }
            let nulls = description.parameters.map { _ in "NULL" }.joined(separator: ", ")
            let call = nulls.isEmpty ? "_estimated" : "_estimated(\(nulls))"
            guard
                let plan = try link.rows("EXPLAIN (FORMAT JSON) EXECUTE \(call)").first?.first,
                let plan
            else { return nil }
            guard let value = try? JSONParser.parse(Array(plan.utf8)),
                let top = value.array?.first?["Plan"], let rows = top["Plan Rows"]?.number,
                let cost = top["Total Cost"]?.number
            else { return nil }
            return (rows, cost)
        } catch {
            return nil
        }
    }

    // MARK: The rest

    private func show() throws(PostgresFailure) -> PostgresFindings {
        let description = try link.describe(text)
        let columns = description.columns.map {
            Column(name: $0.name, origin: nil, sources: [], kind: .any)
        }
        return result(
            Examination(
                columns: columns, reads: [], deciding: [], parameters: [], isReadOnly: true,
                statement: StatementFacts(kinds: .init(["show"]))),
            types: description.columns.map(\.type))
    }

    /// The plan shows what the query reads, in estimates at least.
    private mutating func explain(
        _ inner: Range<Int>
    ) throws(PostgresFailure) -> PostgresFindings {
        let form: PostgresStatementForm
        do throws(PostgresTokens.Refused) {
            form = try PostgresStatementForm(tokens, inner, effect, isInner: true)
        } catch {
            throw .refused(error.told)
        }
        var found: PostgresFindings
        switch form {
        case .query: found = try query(tokens.text(inner))
        case .schema(let kinds, let query): found = try schema(kinds, query)
        case .show, .explain: throw .refused("EXPLAIN of what is no query")
        }
        found.examination.statement?.kinds.insert("explain")
        let description = try link.describe(text)
        let reads = found.examination.reads
        found.examination.deciding = reads
        found.examination.columns = description.columns.map {
            Column(name: $0.name, origin: nil, sources: reads, kind: .any)
        }
        found.types = description.columns.map(\.type)
        return found
    }

    private mutating func schema(
        _ kinds: Set<Name>, _ inner: String?
    ) throws(PostgresFailure) -> PostgresFindings {
        let named = try PostgresSchemaWords(tokens, on: link)
        var words = named.facts
        words.kinds.formUnion(.init(kinds))
        // What stands behind a view or below a table is touched with it.
        var numbers = PostgresNumbers()
        numbers.relations = named.relations
        // Of a query that it holds the server knows which functions it calls.
        numbers.functions = inner == nil ? named.called : []
        var behind = PostgresReading(try catalog.complete(numbers, on: link))
        behind.read(functions: numbers.functions)
        for relation in named.relations.sorted() { behind.touch(named: relation) }
        words.reads.formUnion(behind.facts.reads)
        words.writes.formUnion(behind.facts.writes)
        words.functions.formUnion(behind.facts.functions)
        var reads: Set<ColumnPath>?
        if let inner {
            // Of what the query touches the server knows exactly; the rest is one name.
            let found = try query(inner).examination
            let functions = words.functions
            words = StatementFacts(kinds: words.kinds)
            words.functions = functions
            if let facts = found.statement { words.formUnion(facts) }
            reads = found.reads
        }
        return result(
            Examination(
                columns: [], reads: reads, deciding: reads, parameters: [], isReadOnly: false,
                statement: words))
    }
}

/// The names of what the lineage numbers.
struct PostgresNames {
    let snapshot: PostgresSnapshot

    init(_ snapshot: PostgresSnapshot) { self.snapshot = snapshot }

    func path(_ column: PostgresColumnNumber) -> ColumnPath? {
        guard
            let relation = snapshot.relations[column.relation]
                ?? snapshot.neighbours[column.relation],
            let attribute = relation.columns[column.number]
        else { return nil }
        return ColumnPath(schema: relation.schema, table: relation.name, column: attribute.name)
    }

    func paths(_ columns: Set<PostgresColumnNumber>) -> Set<ColumnPath> {
        Set(columns.compactMap(path))
    }

    func qualified(_ column: PostgresColumnNumber) -> Name? {
        path(column).map { Name("\($0.schema).\($0.table).\($0.column)") }
    }
}
