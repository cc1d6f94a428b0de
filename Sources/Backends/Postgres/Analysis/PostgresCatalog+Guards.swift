internal import JSON

/// What the database itself does when a row is read or changed: keys, checks, triggers, policies,
/// partitions.
extension PostgresCatalog {
    static func addGuards(
        to found: inout [UInt32: PostgresSnapshot.Relation], _ next: inout PostgresNumbers,
        _ list: [String], _ link: PostgresLink
    ) throws(PostgresFailure) {
        for row in try link.rows(uniqueQuery, list) {
            guard let relation = row.number(0) else { continue }
            found[relation]?.uniques.append(try columns(row))
        }
        for row in try link.rows(checkQuery, list) {
            guard let relation = row.number(0) else { continue }
            found[relation]?.checks.append(Set(row.numbers(1).map(Int.init)))
        }
        for row in try link.rows(partitionQuery, list) {
            guard let relation = row.number(0) else { continue }
            found[relation]?.partitionKey = try columns(row)
        }
        for row in try link.rows(triggerQuery, list) {
            guard let relation = row.number(0), let type = row.number(1) else { continue }
            found[relation]?.triggers.append(PostgresSnapshot.Trigger(type: Int(type)))
        }
        for row in try link.rows(policyQuery, list) {
            guard let relation = row.number(0) else { continue }
            for text in [row[1], row[2]] {
                guard let text else { continue }
                let tree = try tree(text)
                next.formUnion(tree.numbers)
                found[relation]?.policies.append(tree)
            }
        }
    }

    /// Numbers of columns, and those in the expressions beside them.
    private static func columns(_ row: [String?]) throws(PostgresFailure) -> Set<Int> {
        var columns = Set(row.numbers(1).map(Int.init).filter { $0 > 0 })
        for text in row.dropFirst(2) {
            if let text { columns.formUnion(try tree(text).variables) }
        }
        return columns
    }

    private static let uniqueQuery = """
        SELECT indrelid, replace(indkey::text, ' ', ','), indexprs::text, indpred::text
        FROM pg_index
        WHERE indrelid = ANY ($1::oid[]) AND (indisunique OR indisexclusion)
        """
    private static let checkQuery = """
        SELECT conrelid, array_to_string(conkey, ',')
        FROM pg_constraint WHERE conrelid = ANY ($1::oid[]) AND contype = 'c'
        """
    private static let partitionQuery = """
        SELECT partrelid, replace(partattrs::text, ' ', ','), partexprs::text
        FROM pg_partitioned_table WHERE partrelid = ANY ($1::oid[])
        """
    private static let triggerQuery = """
        SELECT tgrelid, tgtype::int FROM pg_trigger
        WHERE tgrelid = ANY ($1::oid[]) AND NOT tgisinternal AND tgenabled <> 'D'
        """
    private static let policyQuery = """
        SELECT p.polrelid, p.polqual::text, p.polwithcheck::text
        FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
        WHERE p.polrelid = ANY ($1::oid[]) AND c.relrowsecurity
        """

    // MARK: Foreign keys

    /// Notes the foreign keys from and to relations; answers what is at their other ends, by name
    /// alone: behind each of those would come the next.
    static func neighbours(
        of found: inout [UInt32: PostgresSnapshot.Relation], _ list: [String],
        _ link: PostgresLink
    ) throws(PostgresFailure) -> [UInt32: PostgresSnapshot.Relation] {
        var neighbours: [UInt32: PostgresSnapshot.Relation] = [:]
        for row in try link.rows(referenceQuery, list) {
            guard let child = row.number(0), let parent = row.number(2) else { continue }
            let columns = Set(row.numbers(1).map(Int.init))
            let keys = Set(row.numbers(3).map(Int.init))
            func columnNumbers(_ relation: UInt32, _ numbers: Set<Int>) -> Set<PostgresColumnNumber>
            {
                Set(numbers.map { PostgresColumnNumber(relation: relation, number: $0) })
            }
            found[child]?.references.append((columns, columnNumbers(parent, keys)))
            found[parent]?.references.append((keys, columnNumbers(child, columns)))
        }
        for row in try link.rows(neighbourQuery, list) {
            guard let relation = row.number(0), let schema = row[1], let name = row[2],
                let number = row.number(3), let column = row[4]
            else { continue }
            neighbours[
                relation,
                default: PostgresSnapshot.Relation(
                    schema: Name(schema), name: Name(name), kind: UInt8(ascii: "r"))
            ].columns[Int(number)] = PostgresSnapshot.Attribute(name: Name(column))
        }
        return neighbours
    }

    private static let referenceQuery = """
        SELECT conrelid, array_to_string(conkey, ','), confrelid, array_to_string(confkey, ',')
        FROM pg_constraint
        WHERE contype = 'f' AND (conrelid = ANY ($1::oid[]) OR confrelid = ANY ($1::oid[]))
        """
    private static let neighbourQuery = """
        SELECT DISTINCT c.oid, n.nspname, c.relname, a.attnum, a.attname
        FROM pg_constraint f JOIN pg_class c ON c.oid IN (f.conrelid, f.confrelid)
            JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_attribute a ON a.attrelid = c.oid
                AND (c.oid = f.conrelid AND a.attnum = ANY (f.conkey)
                    OR c.oid = f.confrelid AND a.attnum = ANY (f.confkey))
        WHERE f.contype = 'f'
            AND (f.conrelid = ANY ($1::oid[]) OR f.confrelid = ANY ($1::oid[]))
        """
}
