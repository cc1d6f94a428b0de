import JSON
import Testing

private let suite = "public/json-schema/tests/draft2020-12"

@Test(.enabled(if: Corpora.has(suite), Comment(rawValue: Corpora.absence)))
func theSchemaSuiteIsJudgedAsItDemandsOrRefusedByName() throws {
    var refused: Set<String> = []
    var judged = 0
    for file in try Corpora.files(in: suite) {
        let groups = try #require(try JSONParser.parse(Corpora.bytes("\(suite)/\(file)")).array)
        for group in groups {
            let name = "\(file): \(try #require(group["description"]?.string))"
            do throws(JSONSchemaError) {
                let schema = try JSONSchema(group["schema"] ?? .null)
                for test in group["tests"]?.array ?? [] {
                    let isValid = schema.violations(in: test["data"] ?? .null).isEmpty
                    judged += 1
                    // A whole file stands among the refused only while all of it is refused.
                    #expect(!RefusedSchemas.files.contains(file), "\(name)")
                    let title = test["description"]?.string ?? ""
                    #expect(isValid == test["valid"]?.bool, "\(name): \(title)")
                }
            } catch {
                if !RefusedSchemas.files.contains(file) { refused.insert(name) }
            }
        }
    }
    #expect(refused == RefusedSchemas.groups)
    #expect(judged > 850)
}
