internal import Enforcement
internal import JSON

extension SQLiteLineage {
    mutating func output(
        of item: Tokens, _ scopes: [SQLiteScope], _ commons: Commons?, _ level: Int
    ) throws(SQLiteUnclear) -> SQLiteOutput {
        let plain = item.withoutAlias
        var output = SQLiteOutput(name: item.alias, sources: [])
        var isTotal = SQLiteExpression.isTotal(plain.withoutQueries)
        if !mayConcatenate, plain.contains(where: { $0.isSymbol("|") }) { isTotal = false }
        output.sources = try sources(in: plain, scopes, commons, level)
        // Under an implied alias other names may be SQLite's own choice.
        if output.name == nil || plain.count == item.count && plain.path == nil {
            output.otherNames = Set(item.lazy.filter(\.isName).map(\.text))
        }
        if let path = plain.path {
            output.exact = exact(path, scopes)
            // SQLite calls a row's number by the name of its key.
            if let exact = output.exact, path.last.map(SQLiteScope.rowIDWords.contains) == true {
                output.otherNames = [exact.column]
            }
        } else if let inner = plain.onlyQuery {
            // Read once more for its one column; nothing new is found.
            output.exact = try query(inner, scopes, commons, level: level + 1).first?.exact
        }
        for over in plain.windows {
            deciding.formUnion(try sources(in: over, scopes, commons, level))
        }
        if !isTotal { noteFailing(plain, output.sources, scopes) }
        return output
    }

    /// A value that may fail tells by failing what it is made of. What is not written in the
    /// statement itself cannot be left out of it.
    private mutating func noteFailing(
        _ item: Tokens, _ sources: Set<ColumnPath>, _ scopes: [SQLiteScope]
    ) {
        guard viewsInProgress.isEmpty, !item.contains(where: \.beginsQuery) else {
            return deciding.formUnion(sources)
        }
        var rest = item
        while let token = rest.first {
            let start = rest.startIndex
            guard token.isName else {
                rest = rest.dropFirst()
                continue
            }
            let (path, isName) = rest.takePath()
            guard isName else { continue }
            let found = SQLiteScope.resolve(path, isQuoted: token.kind == .quoted, in: scopes)
            if !found.isEmpty { blanks[start..<rest.startIndex, default: []].formUnion(found) }
        }
    }

    func exact(_ path: [Name], _ scopes: [SQLiteScope]) -> ColumnPath? {
        guard let column = path.last, let scope = scopes.first else { return nil }
        let table = path.count > 1 ? path[path.count - 2] : nil
        let found = scope.relations.filter { table == nil || $0.name == table }
            .compactMap { $0.only(column) }
        return found.count == 1 ? found.first?.exact : nil
    }

    /// The base columns that an expression may name, with all that a query within it depends on.
    mutating func sources(
        in tokens: Tokens, _ scopes: [SQLiteScope], _ commons: Commons?, _ level: Int
    ) throws(SQLiteUnclear) -> Set<ColumnPath> {
        var found: Set<ColumnPath> = []
        var rest = tokens
        while let token = rest.first {
            let next = rest.dropFirst().first
            if token.isSymbol("("), next?.beginsQuery == true {
                let outside = deciding
                deciding = []
                let outputs = try query(
                    try rest.takeGroup(), scopes, commons, level: level + 1)
                for output in outputs { found.formUnion(output.sources) }
                found.formUnion(deciding)
                deciding.formUnion(outside)
                hasInnerOrder = true
                continue
            }
            // `x IN t` and `x IN t(…)` read a table without naming its column.
            if token.isWord("in"), next?.isSymbol("(") != true { throw SQLiteUnclear() }
            guard token.isName else {
                rest = rest.dropFirst()
                continue
            }
            let (path, isName) = rest.takePath()
            guard isName else { continue }
            found.formUnion(
                SQLiteScope.resolve(path, isQuoted: token.kind == .quoted, in: scopes))
        }
        accounted.formUnion(found)
        return found
    }
}
