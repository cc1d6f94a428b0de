import Backends
import Enforcement
import JSON
import Testing

@testable import ToolServer

@Suite struct ImportPostgresTests {
    @Test(arguments: [
        ("customers", "customer"), ("categories", "category"), ("addresses", "address"),
        ("boxes", "box"), ("status", "status"), ("news", "news"), ("analysis", "analysis"),
        ("staff", "staff"), ("ties", "tie"), ("s", "s"),
    ])
    func oneRowIsNamedInTheSingular(_ plural: String, _ one: String) {
        #expect(ImportedTable.singular(plural) == one)
    }

    private static func table(
        _ columns: [SchemaColumn], indexes: [SchemaRelation.Key] = [],
        references: [SchemaRelation.Reference] = [], kind: SchemaRelation.Kind = .table
    ) -> SchemaRelation {
        var table = SchemaRelation(
            schema: "public", name: "people", spelled: "public.people", kind: kind)
        table.columns = columns
        table.indexes = indexes
        table.references = references
        return table
    }

    private static func column(
        _ name: String, _ type: Name = "text", distinct: Double? = nil, bytes: Int? = nil
    ) -> SchemaColumn {
        SchemaColumn(
            name: Name(name), spelled: name, type: type, distinctPart: distinct, meanBytes: bytes)
    }

    @Test(arguments: [
        ("email", "text", MaskRule.Strategy.partial), ("work_email", "citext", .partial),
        ("ip_address", "text", .pseudonym), ("last_ip", "inet", .pseudonym),
        ("home_address", "text", .redact), ("salary", "numeric", .null), ("dob", "date", .null),
        ("iban", "character varying", .redact), ("phone", "bigint", .null),
        ("password_hash", "text", .redact), ("apiKey", "text", .redact),
    ])
    func aNameOrATypeSaysHowAColumnIsMasked(
        _ name: String, _ type: Name, _ strategy: MaskRule.Strategy
    ) {
        let found = SensitiveColumns(Self.table([Self.column(name, type)]))
        #expect(found.proposals[Name(name)]?.strategy == strategy)
    }

    @Test(arguments: [
        ("name", "text"), ("email_verified", "boolean"), ("zip_file_count", "integer"),
        ("token_count", "integer"), ("pinned", "boolean"), ("shipping", "text"),
    ])
    func ordinaryColumnsAreNotMasked(_ name: String, _ type: Name) {
        #expect(SensitiveColumns(Self.table([Self.column(name, type)])).proposals.isEmpty)
    }

    @Test func whatRefersToAnotherTableIsNoSecret() {
        let table = Self.table(
            [Self.column("session_id")],
            references: [.init(column: "session_id", schema: "public", relation: "sessions")])
        #expect(SensitiveColumns(table).proposals.isEmpty)
    }

    @Test func statisticsCountOnlyWhereRowsAreAboutPeople() {
        let member = Self.column("member_no", distinct: 1, bytes: 12)
        let few = Self.column("grade", distinct: 0.01, bytes: 12)
        #expect(SensitiveColumns(Self.table([member, few])).proposals.isEmpty)
        let people = SensitiveColumns(Self.table([member, few, Self.column("last_name")]))
        #expect(people.isPersonal)
        #expect(Array(people.proposals.keys) == ["member_no"])
        #expect(people.proposals["member_no"]?.sign == .statistics)
    }

    @Test func aRowIsNotGotByAMaskedKey() {
        let columns = [Self.column("email"), Self.column("code"), Self.column("plan")]
        func table(_ keys: [SchemaRelation.Key]) -> ImportedTable {
            ImportedTable(
                Self.table(columns, indexes: keys), backend: "shop", label: "people", getters: [:])
        }
        let masked = SchemaRelation.Key(columns: ["email"], isPrimary: true, isUnique: true)
        let plain = SchemaRelation.Key(columns: ["code"], isPrimary: false, isUnique: true)
        let loose = SchemaRelation.Key(columns: ["plan"], isPrimary: false, isUnique: false)
        #expect(table([masked, loose]).key == nil)
        #expect(table([masked, loose]).getTool("get_people").isEmpty)
        #expect(table([masked, plain]).key?.map(\.name) == ["code"])
    }
}
