import Foundation
import Testing

@testable import Enforcement

@Suite struct AuditRecorderTests {
    @Test func oneAppendIsVerifiedByThePublicKeyAlone() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        let receipt = try await recorder.append([intent(1), outcome(1)])
        #expect(receipt.firstSequence == 2 && receipt.lastSequence == 3)
        #expect(receipt.evidence == nil)
        #expect(recorder.isWritable)
        recorder.close()
        let report = try directory.verify()
        #expect(report.size == 5)
        #expect(report.calls == 1)
        #expect(report.checkpoints == 2)
        #expect(report.tailBytes == 0)
    }

    @Test func sixtyFourCallersGetGaplessNumbers() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        let receipts = try await withThrowingTaskGroup(of: [RecordReceipt].self) { group in
            for caller in 0..<64 {
                group.addTask {
                    var receipts: [RecordReceipt] = []
                    for call in 0..<20 {
                        receipts.append(
                            try await recorder.append([intent(caller * 100 + call), outcome(call)]))
                    }
                    return receipts
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        recorder.close()
        let report = try directory.verify()
        #expect(report.calls == 1280)
        var numbers = Set<Int>()
        for receipt in receipts {
            #expect(receipt.lastSequence == receipt.firstSequence + 1)
            numbers.formUnion(receipt.firstSequence...receipt.lastSequence)
        }
        #expect(numbers.count == 2560)
        #expect(report.size == 2560 + report.checkpoints + 1)
    }

    @Test func everyStartHandsOverToANewKeyAndErasesTheOld() async throws {
        let directory = AuditDirectory()
        for start in 1...4 {
            let recorder = try directory.open()
            _ = try await recorder.append([intent(start)])
            recorder.close()
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: directory.keys).sorted()
                    == ["begun", "epoch-\(start).pem"])
        }
        let report = try directory.verify()
        #expect(report.epochs.map(\.number) == [1, 2, 3, 4])
        #expect(Set(report.epochs.map(\.key)).count == 4)
        let mode =
            try FileManager.default.attributesOfItem(atPath: directory.keys + "/epoch-4.pem")[
                .posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func segmentsRotateAndVerifyAsOneLog() async throws {
        let directory = AuditDirectory()
        let limits = RecorderLimits(segmentBytes: 4096)
        for start in 0..<2 {
            let recorder = try directory.open(limits)
            for call in 0..<30 { _ = try await recorder.append([intent(start * 100 + call)]) }
            recorder.close()
        }
        let report = try directory.verify()
        #expect(report.segments > 5)
        #expect(report.calls == 60)
        #expect(report.abandonedBytes == 0)
    }

    @Test func onlyOneRecorderOwnsADirectory() throws {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        #expect {
            try directory.open()
        } throws: { error in
            if case RecordError.locked(let file) = error { file.hasSuffix("/lock") } else { false }
        }
        recorder.close()
        try directory.open().close()
    }

    @Test(arguments: [
        "", #""call":"1","event":"intent""#, #""event":"checkpoint","size":1"#,
        #""event":"epoch""#, #""event":"recovered","segment":1,"from":1"#, #""event":"clock""#,
        "\"event\":\"a\",\"b\":\"\n\"", "\"event\":\"a\",\"b\":\"\u{0}\"", #""event":"intent"#,
        #""event":"""#,
    ])
    func aLineThatCouldPassForAnotherIsRefused(_ body: String) async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        await #expect(throws: RecordError.self) { try await recorder.append([Array(body.utf8)]) }
        #expect(recorder.isWritable)
        recorder.close()
        #expect(try directory.verify().size == 2)
    }

    @Test func afterCloseNothingIsTaken() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        recorder.close()
        #expect(!recorder.isWritable)
        await #expect(throws: RecordError.self) { try await recorder.append([intent(1)]) }
    }

    @Test func keysThatOthersMayReadAreRefused() throws {
        let directory = AuditDirectory()
        try FileManager.default.createDirectory(
            atPath: directory.keys, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o755])
        #expect(throws: RecordError.self) { try directory.open() }
    }

    @Test func aLogWithoutItsKeyIsNotContinued() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        _ = try await recorder.append([intent(1)])
        recorder.close()
        try FileManager.default.removeItem(atPath: directory.keys + "/epoch-1.pem")
        #expect(throws: RecordError.self) { try directory.open() }
        #expect(try directory.verify().calls == 1)
    }

    @Test func aVanishedLogIsNotBegunAgain() throws {
        let directory = AuditDirectory()
        try directory.open().close()
        try FileManager.default.removeItem(atPath: directory.path(1))
        #expect(throws: RecordError.self) { try directory.open() }
    }
}
