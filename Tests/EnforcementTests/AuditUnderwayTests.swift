import Foundation
import Testing

@testable import Enforcement

/// Every intent gets an outcome, if only that nobody knows it.
@Suite struct AuditUnderwayTests {
    private func killed(_ directory: AuditDirectory) throws -> AuditDirectory {
        let copy = AuditDirectory()
        try directory.copy(to: copy)
        return copy
    }

    /// The calls with an outcome `unknown`, over all segments, in order.
    private func unknown(_ directory: AuditDirectory) throws -> [String] {
        var calls: [String] = []
        try AuditReader(directory: directory.log).forEach { line in
            let text = String(decoding: line.bytes, as: UTF8.self)
            if let start = text.range(of: #""event":"outcome","call":""#),
                text.hasSuffix(#"","code":"unknown"}"#)
            {
                calls.append(String(text[start.upperBound...].prefix { $0 != "\"" }))
            }
            return true
        }
        return calls
    }

    @Test func afterAKillOpenIntentsGetAnUnknownOutcomeBeforeAnythingElse() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        _ = try await recorder.append([intent(1)])
        _ = try await recorder.append([intent(2), outcome(2)])
        _ = try await recorder.append([intent(3)])
        _ = try await recorder.append([intent(4)])
        let size = try directory.verify().size
        _ = try await recorder.append([outcome(3)])
        let copy = try killed(directory)
        recorder.close()
        try copy.open().close()
        #expect(try unknown(copy) == ["1", "4"])
        let reader = AuditReader(directory: copy.log)
        let first = try #require(try reader.line(sequence: size + 2))
        #expect(
            SegmentLine(first.bytes[...])?.body
                == Array(#""event":"outcome","call":"1","code":"unknown""#.utf8)[...])
        _ = try copy.verify()
        try copy.open().close()
        #expect(try unknown(copy) == ["1", "4"])
    }

    @Test func anOutcomeInATornEndDoesNotCount() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        _ = try await recorder.append([intent(1)])
        let covered = try directory.lines().filter { $0.last == 0x0A }.joined().count
        _ = try await recorder.append([outcome(1), intent(2)])
        let bytes = try directory.bytes()
        recorder.close()
        for cut in [covered + 40, covered + 200] {
            let copy = try killed(directory)
            let room = [UInt8](repeating: 0x20, count: bytes.count - cut)
            try copy.write(bytes[..<cut] + room)
            try copy.open().close()
            // The second intent was never acknowledged: its call did nothing.
            #expect(try unknown(copy) == ["1"], "cut \(cut)")
            #expect(try copy.verify().tailBytes == 0)
            let text = String(decoding: try copy.bytes(2), as: UTF8.self)
            let told = try #require(text.range(of: #""event":"recovered""#))
            let unknown = try #require(text.range(of: #""code":"unknown""#))
            #expect(told.lowerBound < unknown.lowerBound)
        }
    }

    @Test func callsThatRunOverManySegmentsAreFoundInTheLastAlone() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open(RecorderLimits(segmentBytes: 1500))
        _ = try await recorder.append([intent(500)])
        _ = try await recorder.append([intent(501)])
        for call in 0..<20 { _ = try await recorder.append([intent(call), outcome(call)]) }
        _ = try await recorder.append([outcome(501)])
        for call in 20..<40 { _ = try await recorder.append([intent(call), outcome(call)]) }
        let copy = try killed(directory)
        recorder.close()
        let last = try #require(copy.segments.last)
        #expect(last > 5)
        let line = try #require(copy.lines(last).dropFirst().first)
        #expect(SegmentLine(line.dropLast())?.isEvent("underway") == true)
        try copy.open().close()
        #expect(try unknown(copy) == ["500"])
        _ = try copy.verify()
    }

    @Test func aBatchThatMovedToANewSegmentKeepsItsCallsUnderway() async throws {
        let directory = AuditDirectory()
        let scripted = ScriptedDisk()
        let recorder = try directory.open(
            RecorderLimits(retry: .milliseconds(5)), disk: scripted.disk)
        _ = try await recorder.append([intent(1)])
        scripted.set { $0.sync = .eio }
        await #expect(throws: RecordError.self) { try await recorder.append([intent(2)]) }
        scripted.set { $0.sync = .none }
        let end = ContinuousClock.now + .seconds(20)
        while !recorder.isWritable, ContinuousClock.now < end { await Task.yield() }
        let copy = try killed(directory)
        recorder.close()
        try copy.open().close()
        #expect(try unknown(copy) == ["1", "2"])
        _ = try copy.verify()
    }

    @Test(arguments: [
        #""event":"intent","call":"a\"b""#, #""event":"intent","call":"""#,
        #""event":"intent","caller":"x""#, #""event":"intention","call":"1""#,
        #""event":"intent","call":"\#(String(repeating: "x", count: 65))""#,
    ])
    func onlyIdsThatNeedNoEscapeAreFollowed(_ body: String) {
        var underway = CallsUnderway()
        underway.note(Array(body.utf8)[...])
        #expect(underway.isEmpty)
    }

    @Test func callsUnderwayComeBackFromTheirLineAndHaveALimit() {
        var underway = CallsUnderway()
        for call in 0..<CallsUnderway.limit + 10 { underway.note(intent(call)[...]) }
        #expect(underway.sorted.count <= CallsUnderway.limit + 1)
        for call in 3..<CallsUnderway.limit + 10 { underway.note(outcome(call)[...]) }
        #expect(underway.sorted == ["0", "1", "2"].map { Array($0.utf8) })
        var copy = CallsUnderway()
        copy.note(SegmentEvents.underway(underway.sorted)[...])
        #expect(copy.sorted == underway.sorted)
    }
}
