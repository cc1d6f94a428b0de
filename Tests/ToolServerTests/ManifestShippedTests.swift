import Backends
import Enforcement
import EventLoop
import Foundation
import JSON
import Testing

@testable import ToolServer

/// The files of `manifests/` that a server loads, by their paths from there.
private func shippedFiles() throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: shippedManifests.path)
    where [".json", ".sql", ".pem"].contains(where: { path.hasSuffix($0) }) {
        let bytes = try Data(contentsOf: shippedManifests.appendingPathComponent(path))
        files[path] = [UInt8](bytes)
    }
    return files
}

private func demo() throws -> ManifestFixture { try shipped("demo/") }

func shippedCatalog(_ folder: String) throws -> Catalog { try loaded(shipped("\(folder)/")) }

private func shipped(_ folder: String) throws -> ManifestFixture {
    var fixture = ManifestFixture()
    fixture.files = [:]
    for (path, bytes) in try shippedFiles() where path.hasPrefix(folder) {
        let name = String(path.dropFirst(folder.count))
        fixture.files[name] = String(decoding: bytes, as: UTF8.self)
    }
    return fixture
}

/// On the SQLite databases that they ship, in a directory that goes away.
private func loaded(_ fixture: ManifestFixture) throws -> Catalog {
    let maker = CatalogMaker(
        makeBackend: { (settings) throws(BackendError) in
            guard case .sqlite(let sqlite) = settings.kind else {
                throw BackendError(.invalid, detail: "not of this test")
            }
            return try SQLiteBackend(
                SQLiteOptions(
                    file: sqlite.file, createFrom: sqlite.create.map { Array($0.utf8) },
                    busyTimeout: sqlite.timeout),
                pool: WorkerPool(threads: 1, queueLimit: 1, name: "demo"))
        }, digest: { "\($0.count)" })
    return try fixture.inDirectory { directory in
        do {
            return try maker.load(directory: directory)
        } catch let error as ManifestError {
            for problem in error.problems { Issue.record("\(problem.text)") }
            throw error
        }
    }
}

@Test func theDemoLoadsOnItsOwnDatabaseWithoutAWarning() throws {
    let catalog = try loaded(demo())
    #expect(catalog.warnings.map(\.text) == [])
    #expect(catalog.tools.count == 9)
    #expect(catalog.policy.masks.count == 4)
    for tool in catalog.tools where tool.effect == .read {
        #expect(tool.examination.reads != nil, "\(tool.name)")
        #expect(!tool.examination.columns.isEmpty, "\(tool.name)")
    }
}

@Test func theExampleThatAsksItsCallerLoadsWithoutAWarning() throws {
    let catalog = try loaded(shipped("examples/asking/"))
    #expect(catalog.warnings.map(\.text) == [])
    let asking = catalog.toolsByName["close_account"]?.confirmation
    #expect(asking?.question == "Close this account for good?")
    #expect(asking?.unasked == .refuse)
    #expect(catalog.toolsByName["accounts_by_year"]?.taskUse == .allowed)
}

@Test func theExampleOnHTTPLoadsWithoutAWarning() throws {
    let pool = WorkerPool(threads: 1, queueLimit: 1, name: "example")
    defer { pool.stop() }
    let folder = shippedManifests.appendingPathComponent("examples/http")
    let catalog = try Startup.catalogMaker(pool).load(directory: folder.path)
    #expect(catalog.warnings.map(\.text) == [])
    #expect(catalog.tools.map(\.name) == ["partner_page", "payment", "refund"])
}

@Test func theExampleWhoseCallersWriteStatementsLoadsWithoutAWarning() throws {
    let pool = WorkerPool(threads: 1, queueLimit: 1, name: "example")
    defer { pool.stop() }
    let catalog = try shipped("examples/statements/").inDirectory { directory in
        try Startup.catalogMaker(pool).load(directory: directory)
    }
    #expect(catalog.warnings.map(\.text) == [])
    #expect(catalog.tools.map(\.name) == ["describe_crm", "query_crm"])
    #expect(catalog.tools.allSatisfy { $0.examination.isReadOnly })
}

@Test func theExampleOfLimitsLoadsAndEachOfItsCasesComesOutAsItSays() async throws {
    let catalog = try loaded(shipped("examples/limits/"))
    #expect(
        catalog.warnings.map(\.text) == [
            "policy.json:44:61: rules[5].mode: ONLY OBSERVES: what this rule is about is recorded and let pass"
        ])
    #expect(catalog.policy.rules.filter { $0.effect == .limit }.count == 4)
    #expect(catalog.cases.count == 7)
    #expect(await RuleCases.failures(of: catalog).map(\.text) == [])
}

private let cookbook = [
    "examples/access/", "examples/analytics/", "examples/approvals/", "examples/incident/",
    "examples/messages-api/",
    "examples/s3/",
]

@Test(arguments: cookbook)
func aRecipeOfTheCookbookLoadsWithoutAWarning(_ folder: String) throws {
    let pool = WorkerPool(threads: 1, queueLimit: 1, name: "example")
    defer { pool.stop() }
    let catalog = try shipped(folder).inDirectory { directory in
        try Startup.catalogMaker(pool).load(directory: directory)
    }
    #expect(catalog.warnings.map(\.text) == [])
    let granted = Set(catalog.policy.grants.flatMap(\.scopes))
    let lent = Set(catalog.policy.access.flatMap(\.tools) + [AccessTool.name])
    #expect(catalog.tools.allSatisfy { granted.contains($0.scope) || lent.contains($0.name) })
}

@Test func theExampleOfAccessForAWhileOffersWhatNobodyHasForGood() async throws {
    let catalog = try loaded(shipped("examples/access/"))
    #expect(catalog.policy.access.map(\.tools) == [["change_plan", "unlock_account"]])
    #expect(catalog.policy.access.first?.demand.wantsReason == true)
    #expect(catalog.toolsByName[AccessTool.name] != nil)
    #expect(await RuleCases.failures(of: catalog).map(\.text) == [])
}

@Test func everyShippedManifestIsReadByTheLoaderOrIsASchema() throws {
    for path in try shippedFiles().keys {
        let folders =
            [
                "demo/", "examples/asking/", "examples/http/", "examples/identity/",
                "examples/limits/", "examples/postgres/", "examples/statements/",
                "examples/support-desk/",
                "schema/",
            ] + cookbook
        #expect(folders.contains { path.hasPrefix($0) }, "\(path)")
    }
}

/// Goal: no byte of a manifest can crash the loader. Method: good manifests with a few bytes
/// changed, removed, doubled or swapped; the seed is fixed, so that a failure comes back.
@Test func changedBytesAreProblemsAndNeverCrashes() throws {
    let good = try demo().files.filter { !$0.key.isEmpty && $0.key != "shop.sql" }
    var random = SeededGenerator(state: 0x5EED)
    var loadedCount = 0
    try demo().inDirectory { directory in
        let maker = ManifestFixture.maker()
        for _ in 0..<200 {
            let name = good.keys.sorted().randomElement(using: &random) ?? ""
            let original = Array((good[name] ?? "").utf8)
            let path = "\(directory)/\(name)"
            let changed = mutated(original, using: &random)
            _ = FileManager.default.createFile(atPath: path, contents: Data(changed))
            if (try? maker.load(directory: directory)) != nil { loadedCount += 1 }
            _ = FileManager.default.createFile(atPath: path, contents: Data(original))
        }
        #expect((try? maker.load(directory: directory)) != nil)
    }
    // Both outcomes occur: changes in descriptions load, changes in keys do not.
    #expect((1..<200).contains(loadedCount))
}

private func mutated(_ bytes: [UInt8], using random: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    let interesting = Array("{}[]\",:\\*.0-e\u{0}\u{FF}/\n".utf8)
    for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
        let index = bytes.indices.randomElement(using: &random) ?? 0
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[index] = UInt8.random(in: .min ... .max, using: &random)
        case 1: bytes[index] = interesting.randomElement(using: &random) ?? 0
        case 2: bytes.remove(at: index)
        case 3: bytes.insert(bytes[index], at: index)
        default: bytes.removeSubrange(index..<min(bytes.count, index + 20))
        }
    }
    return bytes
}

/// SplitMix64.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
