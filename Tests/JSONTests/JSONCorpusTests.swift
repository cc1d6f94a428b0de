import Foundation
import JSON
import TestSupport
import Testing

private let strictCorpus = "json_strict.jsonl"
private let testSuite = "public/JSONTestSuite/test_parsing"

@Test(.enabled(if: Corpora.has(strictCorpus), Comment(rawValue: Corpora.absence)))
func theStrictCorpusIsJudgedAsItDemands() throws {
    let lines = try Corpora.bytes(strictCorpus).split(separator: 0x0A)
    #expect(!lines.isEmpty)
    for line in lines {
        let row = try JSONParser.parse(line)
        let id = try #require(row["id"]?.string)
        let piece = try #require(row["b64"]?.string.flatMap { Data(base64Encoded: $0) })
        let repeated = row["repeat"]?.int ?? 1
        let document = [[UInt8]](repeating: Array(piece), count: repeated).flatMap { $0 }
        guard row["expect"]?.string == "accept" else {
            #expect(refusal(document) != nil, "\(id) is accepted")
            continue
        }
        let wanted = try #require(row["out"]?.string.flatMap { Data(base64Encoded: $0) })
        let written = try JSONParser.parse(document).bytes
        #expect(written == Array(wanted), "\(id) is changed")
    }
}

@Test(.enabled(if: Corpora.has(testSuite), Comment(rawValue: Corpora.absence)))
func theTestSuiteIsJudgedAsItDemands() throws {
    for file in try Corpora.files(in: testSuite) {
        let reason = refusal(try Corpora.bytes("\(testSuite)/\(file)"))
        if file.hasPrefix("y_") {
            // The suite leaves duplicate names to the parser's choice; ours is made.
            let isDuplicate = file.hasPrefix("y_object_duplicated_key")
            #expect(reason == (isDuplicate ? .duplicateName : nil), "\(file)")
        } else if file.hasPrefix("n_") {
            #expect(reason != nil, "\(file) is accepted")
        } else if file.hasPrefix("i_number") {
            #expect(reason == nil, "\(file): numbers are text and have no range")
        } else {
            #expect(reason != nil, "\(file): what parsers may read differently is refused")
        }
    }
}
