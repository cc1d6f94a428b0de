import JSON
import TestSupport
import Testing

/// Every file of the suite, those of optional behaviour and of formats among them.
private let suite = "public/json-schema/tests/draft2020-12"
private let folders = ["", "optional/", "optional/format/"]

@Test(.enabled(if: Corpora.has(suite), Comment(rawValue: Corpora.absence)))
func theSchemaSuiteIsJudgedAsItDemandsOrRefusedByName() throws {
    var refused: Set<String> = []
    var otherwise: Set<String> = []
    var judged = 0
    for file in try folders.flatMap({ folder in
        try Corpora.files(in: "\(suite)/\(folder)").map { folder + $0 }
    }) {
        let groups = try #require(try JSONParser.parse(Corpora.bytes("\(suite)/\(file)")).array)
        for group in groups {
            let name = "\(file): \(try #require(group["description"]?.string))"
            do throws(JSONSchemaError) {
                let schema = try JSONSchema(group["schema"] ?? .null)
                for test in group["tests"]?.array ?? [] {
                    judged += 1
                    let isValid = schema.violations(in: test["data"] ?? .null).isEmpty
                    guard isValid != test["valid"]?.bool else { continue }
                    otherwise.insert("\(name): \(test["description"]?.string ?? "")")
                }
            } catch {
                refused.insert(name)
            }
        }
    }
    #expect(refused.subtracting(UnclaimedSchemas.refused).sorted() == [])
    #expect(UnclaimedSchemas.refused.subtracting(refused).sorted() == [])
    #expect(otherwise.subtracting(UnclaimedSchemas.judgedOtherwise).sorted() == [])
    #expect(UnclaimedSchemas.judgedOtherwise.subtracting(otherwise).sorted() == [])
    #expect(judged > 2_000)
}
