import Enforcement
import JSON
import Testing

@testable import Backends

/// Where the columns of an answer come from and what decides it, on trees that the server wrote.
@Suite struct PostgresLineageTests {
    private static let people: UInt32 = 100
    private static let notes: UInt32 = 200

    private static var snapshot: PostgresSnapshot {
        var snapshot = PostgresSnapshot()
        func relation(_ name: Name, _ columns: [Name]) -> PostgresSnapshot.Relation {
            var relation = PostgresSnapshot.Relation(
                schema: "public", name: name, kind: UInt8(ascii: "r"))
            for (index, column) in columns.enumerated() {
                relation.columns[index + 1] = PostgresSnapshot.Attribute(name: column)
            }
            return relation
        }
        snapshot.relations[people] = relation("people", ["id", "name", "secret"])
        snapshot.relations[notes] = relation("notes", ["id", "body"])
        // =, <, lower, and the equality and order of text.
        for (number, name) in [(65, "int4eq"), (67, "texteq"), (870, "lower"), (740, "text_lt")] {
            snapshot.functions[UInt32(number)] = PostgresSnapshot.Function(
                schema: "pg_catalog", name: Name(name), isVolatile: false, isNative: true,
                body: .native)
        }
        snapshot.operators = [96: 65, 98: 67, 664: 740]
        return snapshot
    }

    private struct Found {
        var reading: PostgresReading
        var query: PostgresLineages.Query
        var isUnknown: Bool { reading.lineages.isUnknown }
    }

    private static func found(
        _ text: String, in snapshot: PostgresSnapshot = snapshot
    ) throws -> Found {
        let tree = try PostgresTree(Array(text.utf8))
        var reading = PostgresReading(snapshot)
        reading.read(tree, as: .statement)
        let query = try #require(tree.queries.first)
        let lineage = PostgresTreeLineage(tree, reading.lineages).lineage(of: query)
        return Found(reading: reading, query: lineage)
    }

    private static let secret = PostgresColumnNumber(relation: people, number: 3)
    private static let name = PostgresColumnNumber(relation: people, number: 2)
    private static let body = PostgresColumnNumber(relation: notes, number: 2)

    @Test func aPlainColumnIsItselfAndAnExpressionIsMadeOfItsColumns() throws {
        let found = try Self.found(RecordedTrees.ordered)
        #expect(!found.isUnknown)
        #expect(found.query.outputs.count == 2)
        #expect(found.query.outputs[0].exact?.number == 1)
        #expect(found.query.outputs[1].exact == nil)
        #expect(found.query.outputs[1].sources == [Self.secret])
        #expect(found.query.deciding == [Self.name])
        #expect(found.reading.facts.functions.values.contains("pg_catalog.lower"))
        #expect(found.reading.facts.reads.values == ["public.people"])
    }

    @Test func aColumnIsFollowedThroughACommonTable() throws {
        let found = try Self.found(RecordedTrees.common)
        #expect(found.query.outputs.map(\.exact) == [Self.secret])
        #expect(found.query.deciding.isEmpty)
    }

    @Test func aUnionComesFromBothArms() throws {
        let found = try Self.found(RecordedTrees.union)
        #expect(found.query.outputs.map(\.exact) == [nil])
        #expect(found.query.outputs[0].sources == [Self.secret, Self.body])
        #expect(found.query.deciding.isEmpty)
    }

    @Test func aWholeRowIsAllOfIt() throws {
        let found = try Self.found(RecordedTrees.whole)
        #expect(found.query.outputs[0].sources.count == 3)
        #expect(found.reading.columns.count == 3)
    }

    @Test func whatFiltersJoinsOrIsMovedDecides() throws {
        #expect(try Self.found(RecordedTrees.oracle).query.deciding == [Self.secret])
        #expect(
            try Self.found(RecordedTrees.joined).query.deciding == [Self.secret, Self.body])
        let launder = try Self.found(RecordedTrees.launder)
        #expect(launder.query.deciding.contains(Self.secret))
        #expect(launder.query.outputs[0].sources == [Self.name, Self.secret])
        #expect(launder.reading.facts.writes.values == ["public.people"])
        #expect(launder.reading.changes)
    }

    @Test func aSubQueryShowsItsColumnAndWhatItDecidesBy() throws {
        let found = try Self.found(RecordedTrees.scalar)
        #expect(found.query.outputs[0].sources.contains(Self.secret))
        #expect(found.query.outputs[0].exact == nil)
    }

    @Test func aConditionThatDependsOnNoColumnIsFound() throws {
        #expect(
            try Self.found(RecordedTrees.tautology).reading.facts.whereless.values == ["delete"])
        #expect(try Self.found(RecordedTrees.limited).reading.facts.whereless.values.isEmpty)
    }

    // MARK: What is not understood

    @Test(arguments: ["FUNCEXPR", "TARGETENTRY", "FROMEXPR", "VAR"])
    func aNodeThatNobodyKnowsMakesTheLineageUnknown(_ node: String) throws {
        let text = RecordedTrees.ordered
        let strange = text.replacing("{\(node) ", with: "{STRANGE ")
        #expect(strange != text)
        #expect(try Self.found(strange).isUnknown)
    }

    @Test func aRelationThatIsNotKnownMakesFactsIncomplete() throws {
        var snapshot = Self.snapshot
        snapshot.relations[Self.people] = nil
        let found = try Self.found(RecordedTrees.ordered, in: snapshot)
        #expect(found.isUnknown)
        #expect(!found.reading.facts.reads.isComplete)
        #expect(!found.reading.facts.columns.isComplete)
    }

    @Test func aFunctionThatIsNotKnownMakesEveryFactIncomplete() throws {
        var snapshot = Self.snapshot
        snapshot.functions[870] = nil
        let facts = try Self.found(RecordedTrees.ordered, in: snapshot).reading.facts
        #expect(facts.touches.allSatisfy { !$0.isComplete })
    }

    @Test func codeThatCannotBeReadMakesEveryFactIncompleteAndTheLineageUnknown() throws {
        var snapshot = Self.snapshot
        snapshot.functions[870]?.body = .opaque
        let found = try Self.found(RecordedTrees.ordered, in: snapshot)
        #expect(found.isUnknown)
        #expect(found.reading.facts.touches.allSatisfy { !$0.isComplete })
    }

    @Test func whatTheBodyOfAFunctionReadsIsReadByWhoeverCallsIt() throws {
        var snapshot = Self.snapshot
        let body = try PostgresTree(Array(RecordedTrees.oracle.utf8))
        snapshot.functions[870]?.body = .statements([body])
        let found = try Self.found(
            RecordedTrees.ordered.replacing(":varattno 3", with: ":varattno 2"), in: snapshot)
        #expect(found.query.outputs[1].sources.contains(Self.secret))
    }

    // MARK: What hangs on a relation

    @Test func aViewShowsWhatStandsBehindIt() throws {
        var snapshot = Self.snapshot
        snapshot.relations[Self.notes]?.kind = UInt8(ascii: "v")
        snapshot.relations[Self.notes]?.rules = [
            PostgresSnapshot.Rule(
                event: 1, isInstead: true,
                action: try PostgresTree(Array(RecordedTrees.ordered.utf8)), condition: nil)
        ]
        let found = try Self.found(RecordedTrees.union, in: snapshot)
        #expect(found.query.outputs[0].sources == [Self.secret])
        #expect(found.query.deciding == [Self.name])
        #expect(found.reading.facts.reads.values == ["public.people", "public.notes"])
    }

    @Test func aPartitionIsReadThroughItsTableAndIsAPartOfIt() throws {
        var snapshot = Self.snapshot
        let part: UInt32 = 300
        snapshot.relations[part] = snapshot.relations[Self.people]
        snapshot.relations[part]?.name = "people_1"
        snapshot.relations[part]?.isPartition = true
        snapshot.relations[part]?.parents = [Self.people]
        snapshot.relations[Self.people]?.children = [part]
        let whole = try Self.found(RecordedTrees.ordered, in: snapshot)
        #expect(whole.reading.facts.reads.values == ["public.people", "public.people_1"])
        let direct = try Self.found(
            RecordedTrees.ordered.replacing(":relid 100", with: ":relid 300"), in: snapshot)
        #expect(direct.reading.facts.reads.values == ["public.people", "public.people_1"])
        #expect(direct.query.outputs[0].exact?.relation == Self.people)
    }

    @Test func aGeneratedColumnIsMadeOfItsSources() throws {
        var snapshot = Self.snapshot
        snapshot.relations[Self.notes]?.columns[2]?.generatedFrom = [1]
        let sources = try Self.found(RecordedTrees.union, in: snapshot).query.outputs[0].sources
        #expect(sources.contains(PostgresColumnNumber(relation: Self.notes, number: 1)))
    }
}
