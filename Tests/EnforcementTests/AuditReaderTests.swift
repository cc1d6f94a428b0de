import Testing

@testable import Enforcement

@Suite struct AuditReaderTests {
    @Test func pagesGoBackThroughTheSegments() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open(RecorderLimits(segmentBytes: 1000))
        for call in 0..<12 { _ = try await recorder.append([intent(call)]) }
        recorder.close()
        let reader = AuditReader(directory: directory.log)
        let size = try directory.verify().size
        let page = try reader.last(5)
        #expect(page.map(\.sequence) == Array(size - 5..<size))
        let earlier = try reader.last(5, before: page[0].sequence)
        #expect(earlier.map(\.sequence) == Array(size - 10..<size - 5))
        #expect(try reader.last(size + 10).map(\.sequence) == Array(0..<size))
        let intents = try reader.last(3) { line in
            SegmentLine(line.bytes[...])?.isEvent("intent") == true
        }
        #expect(intents.count == 3)
        for sequence in 0..<size {
            #expect(try reader.line(sequence: sequence)?.sequence == sequence)
        }
        #expect(try reader.line(sequence: size) == nil)
    }
}
