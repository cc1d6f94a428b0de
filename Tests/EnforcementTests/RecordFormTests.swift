import JSON
import TestSupport
import Testing

@testable import Enforcement

/// The lines of gates' tests are held to the schema by `RecordingSink`; these are the recorder's.
@Suite struct RecordFormTests {
    private func expectForm(_ directory: AuditDirectory) throws {
        var events: Set<String> = []
        for segment in try directory.segments {
            for line in try directory.lines(segment) where line.first != 0x20 {
                let bytes = Array(line.dropLast())
                #expect(
                    try RecordSchema.faults(of: bytes) == [],
                    "\(String(decoding: bytes, as: UTF8.self))")
                events.insert(try JSONParser.parse(bytes)["event"]?.string ?? "")
            }
        }
        #expect(events.isSuperset(of: ["segment", "epoch", "checkpoint", "outcome"]))
    }

    @Test func everyLineOfTheRecorderHasTheDocumentedForm() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open(RecorderLimits(segmentBytes: 2_000))
        let gate = try GateFixture(policy: Policy(grants: GateFixture.grants))
        for _ in 0..<4 { _ = try await gate.call() }
        for body in gate.sink.bodies { _ = try await recorder.append([body]) }
        recorder.close()
        // A write whose outcome never came.
        let again = try directory.open()
        let open = gate.sink.bodies[0]
        _ = try await again.append([open])
        again.close()
        try directory.open().close()
        try expectForm(directory)
    }

    @Test func aLineThatTheSchemaDoesNotKnowIsFound() throws {
        let body = Array(#""event":"stop","v":1,"surprise":1"#.utf8)
        #expect(try !RecordSchema.faults(ofBody: body).isEmpty)
        let other = Array(#""event":"surprise","v":1"#.utf8)
        #expect(try !RecordSchema.faults(ofBody: other).isEmpty)
    }
}
