/// Does the condition of a change depend on what it changes?
///
/// A constant does not, nor `id = id`, nor a sub-query of its own: such a change hits every row.
struct PostgresCondition {
    let tree: PostgresTree
    let snapshot: PostgresSnapshot
    private let target: Int
    private let targetEntry: Int?

    init(_ tree: PostgresTree, _ snapshot: PostgresSnapshot, query: Int) {
        self.tree = tree
        self.snapshot = snapshot
        target = tree.integer(query, "resultRelation") ?? 0
        let entries = tree.nodes(query, "rtable")
        targetEntry = target > 0 && target <= entries.count ? entries[target - 1] : nil
    }

    /// The kinds of a query that nothing limits; empty for one that is, or that changes no rows.
    static func whereless(
        _ tree: PostgresTree, _ snapshot: PostgresSnapshot, query: Int
    ) -> [String] {
        let command = tree.integer(query, "commandType") ?? 0
        guard command == 2 || command == 4 || command == 5 else { return [] }
        let condition = PostgresCondition(tree, snapshot, query: query)
        let isLimited = tree.node(query, "jointree").map { condition.limits(joins: $0) } ?? false
        if command == 2 { return isLimited ? [] : ["update"] }
        if command == 4 { return isLimited ? [] : ["delete"] }
        guard !isLimited else { return [] }
        var kinds: [String] = []
        for action in tree.nodes(query, "mergeActionList") {
            let own = tree.node(action, "qual").map {
                condition.limits($0, negated: false, depth: 0)
            }
            guard own != true else { continue }
            switch tree.integer(action, "commandType") {
            case 2: kinds += ["update", "merge"]
            case 4: kinds += ["delete", "merge"]
            default: break
            }
        }
        return kinds
    }

    /// Joins and filters hold together, so one that limits is enough; an outer join filters
    /// nothing of its outer side, and the target of a change stands outside of every join.
    private func limits(joins root: Int) -> Bool {
        var waiting = [root]
        while let item = waiting.popLast() {
            if let quals = tree.node(item, "quals"), limits(quals, negated: false, depth: 0) {
                return true
            }
            waiting += tree.nodes(item, "fromlist")
            guard tree.integer(item, "jointype") == 0 else { continue }
            waiting += [tree.node(item, "larg"), tree.node(item, "rarg")].compactMap { $0 }
        }
        return false
    }

    /// Nested deeper, a condition is taken for one that limits nothing.
    private static let depthMax = 500

    private func limits(_ item: Int, negated: Bool, depth: Int) -> Bool {
        guard depth < Self.depthMax else { return false }
        if tree.isNode(item, "BOOLEXPR") {
            let parts = tree.nodes(item, "args")
            switch tree.child(item, "boolop").map({ tree.tag($0) }) {
            case "not": return parts.allSatisfy { limits($0, negated: !negated, depth: depth + 1) }
            case "and":
                return negated
                    ? parts.allSatisfy { limits($0, negated: true, depth: depth + 1) }
                    : parts.contains { limits($0, negated: false, depth: depth + 1) }
            case "or":
                if negated { return parts.contains { limits($0, negated: true, depth: depth + 1) } }
                // An arm that never holds adds no row.
                let holding = parts.filter { !isNever($0) }
                return !holding.isEmpty
                    && holding.allSatisfy { limits($0, negated: false, depth: depth + 1) }
            default: return false
            }
        }
        if tree.isNode(item, "CASEEXPR") {
            return limits(case: item, negated: negated, depth: depth)
        }
        if tree.isNode(item, "CURRENTOFEXPR") { return true }
        return dependsOnTarget(item) && !isSameOnBothSides(item) && !isNotNullAnyway(item)
    }

    /// `false`, or `null`, which no row meets either.
    private func isNever(_ item: Int) -> Bool {
        guard tree.isNode(item, "CONST") else { return false }
        if tree.isTrue(item, "constisnull") { return true }
        // `1 [ 0 0 0 0 0 0 0 0 ]`: the length, and the bytes.
        let value = tree.children(of: item).filter { tree.isField($0, "constvalue") }
        return tree.integer(item, "consttype") == 16 && value.count > 2
            && tree.integer(value[2]) == 0
    }

    /// Where no condition of a CASE depends on a row, each of its values may be that of every row.
    private func limits(case item: Int, negated: Bool, depth: Int) -> Bool {
        // `CASE id WHEN …`
        if let compared = tree.node(item, "arg"), dependsOnTarget(compared) { return true }
        var values: [Int] = []
        for arm in tree.nodes(item, "args") {
            guard let condition = tree.node(arm, "expr"), let value = tree.node(arm, "result")
            else { return false }
            if dependsOnTarget(condition) { return true }
            if !isNever(condition) { values.append(value) }
        }
        if let otherwise = tree.node(item, "defresult") { values.append(otherwise) }
        return values.allSatisfy { value in
            !negated && isNever(value) || limits(value, negated: negated, depth: depth + 1)
        }
    }

    /// `id = id`, `id <= id`, `id IS NOT DISTINCT FROM id`, `id = any(array[id])`.
    private func isSameOnBothSides(_ item: Int) -> Bool {
        let isComparison =
            tree.isNode(item, "OPEXPR") || tree.isNode(item, "DISTINCTEXPR")
            || tree.isNode(item, "SCALARARRAYOPEXPR")
        guard isComparison else { return false }
        let sides = tree.nodes(item, "args")
        guard sides.count == 2 else { return false }
        if tree.isSame(sides[0], sides[1]) { return true }
        guard tree.isNode(sides[1], "ARRAYEXPR") || tree.isNode(sides[1], "ARRAY") else {
            return false
        }
        return tree.nodes(sides[1], "elements").contains { tree.isSame(sides[0], $0) }
    }

    /// `id IS NOT NULL` of a column that cannot be null.
    private func isNotNullAnyway(_ item: Int) -> Bool {
        guard tree.isNode(item, "NULLTEST"), let inner = tree.node(item, "arg"),
            tree.isNode(inner, "VAR"), let number = tree.integer(inner, "varattno"),
            let entry = targetEntry, let relation = tree.integer(entry, "relid")
        else { return false }
        let known = snapshot.relations[UInt32(truncatingIfNeeded: relation)]
        return number < 0 || known?.columns[number]?.isNotNull == true
    }

    private func dependsOnTarget(_ root: Int) -> Bool {
        var waiting = [(item: root, level: 0)]
        while let (item, level) = waiting.popLast() {
            if tree.isNode(item, "VAR") {
                let number = tree.integer(item, "varattno") ?? 0
                // Every row of a table says the same `tableoid`.
                if tree.integer(item, "varno") == target,
                    tree.integer(item, "varlevelsup") == level, number != -6
                {
                    return true
                }
                continue
            }
            let inner = tree.isNode(item, "QUERY") ? level + 1 : level
            for child in tree.children(of: item) { waiting.append((child, inner)) }
        }
        return false
    }
}
