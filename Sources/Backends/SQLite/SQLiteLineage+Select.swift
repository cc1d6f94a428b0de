internal import Enforcement
internal import JSON

extension SQLiteLineage {
    mutating func arm(
        _ arm: SQLiteQuery.Arm, tail: Tokens, _ scopes: [SQLiteScope], _ commons: Commons?,
        level: Int
    ) throws(SQLiteUnclear) -> [SQLiteOutput] {
        switch arm {
        case .values(let rows):
            return try values(rows, tail, scopes, commons, level)
        case .select(let select):
            return try self.select(select, tail: tail, scopes, commons, level: level)
        }
    }

    mutating func values(
        _ rows: [[Tokens]], _ tail: Tokens, _ scopes: [SQLiteScope], _ commons: Commons?,
        _ level: Int
    ) throws(SQLiteUnclear) -> [SQLiteOutput] {
        var outputs: [SQLiteOutput] = []
        for (index, row) in rows.enumerated() {
            var found: [SQLiteOutput] = []
            for (place, item) in row.enumerated() {
                var output = try self.output(of: item, scopes, commons, level)
                output.name = Name("column\(place + 1)")
                found.append(output)
            }
            outputs = index == 0 ? found : try Self.merged(outputs, found)
        }
        try decideTail(tail, outputs, scopes, commons, level)
        return outputs
    }

    mutating func select(
        _ select: SQLiteSelect, tail: Tokens, _ scopes: [SQLiteScope], _ commons: Commons?,
        level: Int
    ) throws(SQLiteUnclear) -> [SQLiteOutput] {
        var scope = SQLiteScope(relations: [])
        for source in select.sources {
            let relation = try relation(of: source, before: &scope, scopes, commons, level)
            scope.relations.append(relation)
        }
        let inner = [scope] + scopes
        for condition in select.conditions {
            deciding.formUnion(try sources(in: condition, inner, commons, level))
        }
        var outputs: [SQLiteOutput] = []
        /// Nil for what a `*` stands for.
        var items: [Tokens?] = []
        for item in select.items {
            if SQLiteSelect.isStar(item) {
                let found = try star(item, scope)
                outputs.append(contentsOf: found)
                items.append(contentsOf: found.map { _ in nil })
            } else {
                outputs.append(try output(of: item, inner, commons, level))
                items.append(item)
            }
        }
        if select.isDistinct { decide(outputs) }
        decideExtremes(select, tail, outputs, items, scope)
        // What follows may name a column of the answer.
        var behind = scope
        behind.relations.append(SQLiteRelation(name: nil, outputs: aliased(outputs, items)))
        let whole = [behind] + scopes
        deciding.formUnion(try sources(in: select.rest, whole, commons, level))
        for term in select.groupTerms {
            for index in term.numbered(of: outputs.count) {
                deciding.formUnion(outputs[index].sources)
            }
        }
        try decideTail(tail, outputs, whole, commons, level)
        noteOrder(select, items, level)
        return outputs
    }

    mutating func star(
        _ item: Tokens, _ scope: SQLiteScope
    ) throws(SQLiteUnclear) -> [SQLiteOutput] {
        let table = item.count > 1 ? item[item.endIndex - 3].text : nil
        var outputs: [SQLiteOutput] = []
        for relation in scope.relations where table == nil || relation.name == table {
            for (index, output) in relation.outputs.enumerated()
            where table != nil || !relation.hidden.contains(index) {
                outputs.append(output)
                accounted.formUnion(output.sources)
            }
        }
        guard !outputs.isEmpty else { throw SQLiteUnclear() }
        return outputs
    }

    /// The columns that have a name of their own, by that name.
    func aliased(_ outputs: [SQLiteOutput], _ items: [Tokens?]) -> [SQLiteOutput] {
        zip(outputs, items).compactMap { output, item in
            guard let item, item.path == nil else { return nil }
            var named = output
            named.otherNames = item.impliedAlias.map { [$0] } ?? []
            return named
        }
    }

    /// Beside `max(x)` a column that is neither grouped nor aggregated shows which row holds the
    /// greatest x.
    mutating func decideExtremes(
        _ select: SQLiteSelect, _ tail: Tokens, _ outputs: [SQLiteOutput], _ items: [Tokens?],
        _ scope: SQLiteScope
    ) {
        let showsRow =
            ordersByRow(select, tail, scope)
            || items.indices.contains { index in
                guard let item = items[index] else { return true }
                return item.namesAnything && !SQLiteExpression.isAggregate(item.withoutAlias)
                    && !select.groupTerms.contains { groups($0, item.withoutAlias, index, scope) }
            }
        guard showsRow else { return }
        for (output, item) in zip(outputs, items) {
            if let item, SQLiteExpression.holdsExtreme(item) {
                deciding.formUnion(output.sources)
            }
        }
    }

    /// Whether HAVING or ORDER BY may look at the one row that stands for a group.
    func ordersByRow(_ select: SQLiteSelect, _ tail: Tokens, _ scope: SQLiteScope) -> Bool {
        if select.rest.contains(where: { $0.isWord("having") }) { return true }
        return tail.orderTerms?.allSatisfy { term in
            SQLiteExpression.isAggregate(term) || !term.namesAnything
                || select.groupTerms.contains { groups($0, term, -1, scope) }
        } == false
    }

    /// Whether a term of GROUP BY is the item, and not only called like it.
    func groups(_ term: Tokens, _ item: Tokens, _ index: Int, _ scope: SQLiteScope) -> Bool {
        if let token = term.first, term.count == 1, token.isNumber {
            return Int(token.text.text) == index + 1
        }
        guard let path = term.path, let own = item.path, let name = path.last, name == own.last
        else { return false }
        let holders = scope.relations.count { $0.outputs.contains { $0.name == name } }
        return path == own && path.count > 1 || holders == 1
    }

    mutating func noteOrder(_ select: SQLiteSelect, _ items: [Tokens?], _ level: Int) {
        let isOrderless = !select.isGrouped
        if level == 0 {
            isOneRowWithoutOrder =
                isOrderless && !items.isEmpty
                && items.allSatisfy { item in
                    item.map {
                        SQLiteExpression.isOrderlessAggregate($0)
                            || !$0.namesAnything
                    } == true
                }
                && items.contains { $0.map(SQLiteExpression.isOrderlessAggregate) == true }
        } else if !isOrderless || !items.allSatisfy({ $0.map(SQLiteExpression.isPlain) != false }) {
            hasInnerOrder = true
        }
    }
}
