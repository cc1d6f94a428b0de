internal import Enforcement
internal import JSON

extension SQLiteLineage {
    mutating func relation(
        of source: SQLiteSource, before scope: inout SQLiteScope, _ scopes: [SQLiteScope],
        _ commons: Commons?, _ level: Int
    ) throws(SQLiteUnclear) -> SQLiteRelation {
        var relation: SQLiteRelation
        switch source.kind {
        case .query(let tokens):
            relation = SQLiteRelation(
                name: source.alias,
                outputs: try query(tokens, scopes, commons, level: level + 1))
        case .named(let name):
            relation = try named(name, source.alias, commons, level)
        case .function(let name, let arguments):
            guard let columns = SQLiteSchema.functionColumns[name] else { throw SQLiteUnclear() }
            let found = try sources(in: arguments, [scope] + scopes, commons, level)
            // How many rows there are, and whether there is an error.
            deciding.formUnion(found)
            relation = SQLiteRelation(
                name: source.alias ?? name,
                outputs: columns.map { SQLiteOutput(name: $0, sources: found, exact: nil) })
        }
        join(source.joined, &relation, &scope)
        return relation
    }

    mutating func named(
        _ name: Name, _ alias: Name?, _ commons: Commons?, _ level: Int
    ) throws(SQLiteUnclear) -> SQLiteRelation {
        if let outputs = try common(name, commons, level) {
            return SQLiteRelation(name: alias ?? name, outputs: outputs)
        }
        if schema.views.contains(name) {
            return SQLiteRelation(name: alias ?? name, outputs: try view(name, level))
        }
        guard let relation = schema.relation(name, alias: alias) else { throw SQLiteUnclear() }
        tables.insert(name)
        return relation
    }

    /// Columns that both sides have decide which rows come; the value may be that of either.
    mutating func join(
        _ joined: SQLiteSource.Joined, _ relation: inout SQLiteRelation,
        _ scope: inout SQLiteScope
    ) {
        for (index, output) in relation.outputs.enumerated() {
            var all = output.sources
            var isMet = false
            for place in scope.relations.indices {
                for (other, column) in scope.relations[place].outputs.enumerated()
                where joined.shares(output, column) {
                    isMet = true
                    all.formUnion(column.sources)
                    scope.relations[place].outputs[other].sources.formUnion(output.sources)
                    scope.relations[place].outputs[other].exact = nil
                }
            }
            guard isMet else { continue }
            deciding.formUnion(all)
            accounted.formUnion(all)
            if output.otherNames.isEmpty { relation.hidden.insert(index) }
        }
    }

    mutating func view(_ name: Name, _ level: Int) throws(SQLiteUnclear) -> [SQLiteOutput] {
        if let known = views[name] { return known }
        guard viewsInProgress.insert(name).inserted, let body = schema.viewBodies[name] else {
            throw SQLiteUnclear()
        }
        let outside = deciding
        deciding = []
        var outputs = try query(body.tokens[...], [], nil, level: level + 1)
        viewDeciding.formUnion(deciding)
        deciding.formUnion(outside)
        try Self.rename(&outputs, body.columns)
        viewsInProgress.remove(name)
        views[name] = outputs
        return outputs
    }

    static func rename(
        _ outputs: inout [SQLiteOutput], _ names: [Name]
    ) throws(SQLiteUnclear) {
        guard !names.isEmpty else { return }
        guard names.count == outputs.count else { throw SQLiteUnclear() }
        for (index, name) in names.enumerated() {
            outputs[index].name = name
            outputs[index].otherNames = []
        }
    }

    mutating func common(
        _ name: Name, _ commons: Commons?, _ level: Int
    ) throws(SQLiteUnclear) -> [SQLiteOutput]? {
        var place = commons
        while let current = place, current.entries[name] == nil { place = current.outer }
        guard let place, let entry = place.entries[name] else { return nil }
        if let done = place.done[name] { return done }
        if let started = place.inProgress[name] {
            guard let known = started else { throw SQLiteUnclear() }
            return known
        }
        place.inProgress[name] = .some(nil)
        var known: [SQLiteOutput] = []
        // What it shows may go through itself; sources only grow, so this ends.
        for _ in 0..<20 {
            var found = try query(
                entry.body, place.scopes, place, level: level + 1,
                whenFirst: { _, outputs in
                    guard known.isEmpty else { return }
                    var named = outputs
                    try? Self.rename(&named, entry.columns)
                    place.inProgress[name] = .some(named)
                })
            try Self.rename(&found, entry.columns)
            if found == known { break }
            known = found
            place.inProgress[name] = .some(known)
        }
        place.inProgress[name] = nil
        place.done[name] = known
        return known
    }
}
