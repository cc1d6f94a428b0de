import Foundation
import TestSupport

@testable import Enforcement

/// A log beside which answers are kept.
final class BodyLog: Sendable {
    let directory = AuditDirectory()

    func open(
        _ limits: RecorderLimits = RecorderLimits(retry: .milliseconds(5)),
        disk: RecorderDisk = .real
    ) throws -> Recorder {
        try Recorder.open(
            directory: directory.log, keys: directory.keys, limits: limits, disk: disk,
            keepsBodies: true)
    }

    /// An answer as a gate gives it.
    static func answer(
        _ call: String, _ text: String = "an answer", days: Int = 30, bytes: Int = 1 << 20
    ) async throws -> AnswerBody? {
        let outcome = try await GateFixture(backend: { _ in .texts([text]) }).call()
        return await AnswerBody(
            outcome, of: call, under: BodyTerm(days: days, bytes: bytes), aside: nil)
    }

    @discardableResult
    static func keep(
        _ call: Int, _ text: String = "an answer", days: Int = 30, in recorder: Recorder
    ) async throws -> RecordReceipt {
        try await recorder.append(
            [intent(call), outcome(call)],
            keeping: try await answer("\(call)", text, days: days))
    }

    /// What the lines of the log tell of answers, in order.
    var notes: [(call: String, note: BodyNote)] {
        get throws { try keptLines().map { ($0.call, $0.note) } }
    }

    func keptLines() throws -> [(sequence: Int, call: String, note: BodyNote)] {
        var lines: [(Int, String, BodyNote)] = []
        try AuditReader(directory: directory.log).forEach { line in
            guard let parsed = SegmentLine(line.bytes[...]),
                let note = BodyNote(endOf: parsed.body),
                let call = CallsUnderway.outcome(parsed.body)
            else { return true }
            lines.append((line.sequence, String(decoding: call, as: UTF8.self), note))
            return true
        }
        return lines
    }

    /// Of the key of the first answer, as the record tells of it now.
    func destruction(holding calls: Set<String>) throws -> BodyDestruction {
        let lines = try keptLines()
        guard let key = lines.first?.note.key else { throw RecordError.closed }
        var findings = BodyDestruction.Findings()
        for line in lines where line.note.key == key {
            findings.take(line.note, of: line.sequence, isHeld: calls.contains(line.call))
        }
        try AuditReader(directory: directory.log).forEach { line in
            if let told = BodyTombstone(line: line.bytes), told.key == key {
                findings.tombstone = told
            }
            return true
        }
        return BodyDestruction(key, log: directory.log, keys: directory.keys, findings)
    }

    var reader: BodyReader { BodyReader(log: directory.log, keys: directory.keys) }

    func text(_ note: BodyNote, of call: String) throws -> String {
        String(decoding: try reader.answer(note, of: call).get(), as: UTF8.self)
    }

    func path(_ note: BodyNote) -> String { "\(directory.log)/bodies/\(note.file)" }

    func bytes(_ note: BodyNote) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(note))))
    }

    func write(_ bytes: [UInt8], _ note: BodyNote) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path(note)))
    }

    func verify(_ depth: BodyDepth = .files) throws -> AuditVerifier.Report {
        try AuditVerifier.verify(
            directory: directory.log, publicKey: directory.publicKey, bodies: depth)
    }
}
