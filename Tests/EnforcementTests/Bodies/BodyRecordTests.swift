import Foundation
import JSON
import TestSupport
import Testing

@testable import Enforcement

/// Answers beside the record, as they are written and read.
@Suite struct BodyRecordTests {
    @Test func anAnswerIsKeptEncryptedAndItsLineSaysWhere() async throws {
        let log = BodyLog()
        let recorder = try log.open()
        try await BodyLog.keep(1, "the canary", in: recorder)
        try await BodyLog.keep(2, "another", days: 7, in: recorder)
        recorder.close()
        let notes = try log.notes
        #expect(notes.map(\.call) == ["1", "2"])
        #expect(notes.map(\.note.key.days) == [30, 7])
        #expect(try log.text(notes[0].note, of: "1").contains("the canary"))
        #expect(try log.text(notes[1].note, of: "2").contains("another"))
        let text = String(decoding: try log.bytes(notes[0].note), as: UTF8.self)
        #expect(!text.contains("canary"))
        let report = try log.verify(.keys(log.directory.keys))
        #expect(report.bodies == 2)
        #expect(report.destroyedBodies == 0)
        let gate = try GateFixture()
        _ = try await gate.call()
        let line = try #require(gate.sink.bodies.last)
        #expect(try RecordSchema.faults(ofBody: line + notes[0].note.member) == [])
    }

    @Test func theKeyIsForItsUserAlone() async throws {
        let log = BodyLog()
        let recorder = try log.open()
        try await BodyLog.keep(1, in: recorder)
        recorder.close()
        let key = try #require(try log.notes.first?.note.key)
        let path = BodyKey.path(key, .key, in: log.directory.keys)
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    @Test func manyAtOnceAreEachTheirOwn() async throws {
        let log = BodyLog()
        let recorder = try log.open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for call in 0..<40 {
                group.addTask {
                    try await BodyLog.keep(call, "of call \(call).", in: recorder)
                }
            }
            try await group.waitForAll()
        }
        recorder.close()
        let notes = try log.notes
        #expect(notes.count == 40)
        for (call, note) in notes {
            #expect(try log.text(note, of: call).contains("of call \(call)."))
        }
        #expect(try log.verify(.keys(log.directory.keys)).bodies == 40)
    }

    /// What stands in the file belongs to its call and place.
    @Test func anAnswerOpensForItsOwnCallAlone() async throws {
        let log = BodyLog()
        let recorder = try log.open()
        try await BodyLog.keep(1, in: recorder)
        recorder.close()
        let note = try #require(try log.notes.first?.note)
        guard case .failure(.otherKey) = log.reader.answer(note, of: "2") else {
            Issue.record("it opened for another call")
            return
        }
    }

    @Test func withoutTheSettingNothingIsMadeAndNothingIsTaken() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        _ = try await recorder.append([intent(1), outcome(1)])
        let answer = try await BodyLog.answer("2")
        await #expect(throws: RecordError.self) {
            try await recorder.append([outcome(2)], keeping: answer)
        }
        recorder.close()
        #expect(!FileManager.default.fileExists(atPath: directory.log + "/bodies"))
        #expect(try directory.verify().bodies == 0)
    }

    @Test func aNewDayHasANewKeyAndAStartANewFile() async throws {
        let directory = AuditDirectory()
        try directory.open().close()
        let clock = ManualClock(20_000 * 86_400)
        var writer = BodyWriter(
            log: directory.log, keys: directory.keys, disk: .real, now: { clock.now })
        let answer = try await BodyLog.answer("1")
        let first = try #require(try writer.write([answer, nil])[0])
        let second = try #require(try writer.write([nil, answer])[1])
        #expect(first.file == second.file && second.offset == first.offset + first.length)
        clock.advance(by: 86_400)
        let next = try #require(try writer.write([answer])[0])
        #expect(next.key.day == first.key.day + 1)
        writer = BodyWriter(
            log: directory.log, keys: directory.keys, disk: .real, now: { clock.now })
        let again = try #require(try writer.write([answer])[0])
        #expect(again.key == next.key && again.file != next.file)
    }

    /// Neither a start nor a second answer of the same words brings a key and nonce again.
    @Test func nothingIsEncryptedTwiceTheSame() async throws {
        let directory = AuditDirectory()
        try directory.open().close()
        let writer = BodyWriter(log: directory.log, keys: directory.keys, disk: .real)
        let answer = try await BodyLog.answer("1")
        let notes = try writer.write(Array(repeating: answer, count: 500)).compactMap(\.self)
        let files = BodyFiles(log: directory.log)
        let heads = try notes.map { Array(try files.sealed($0).prefix(28)) }
        #expect(Set(heads).count == 500)
    }

    /// A key that is being destroyed is not found by who writes.
    @Test func aKeyThatWasSetAsideEncryptsNothingMore() async throws {
        let directory = AuditDirectory()
        try directory.open().close()
        let writer = BodyWriter(log: directory.log, keys: directory.keys, disk: .real)
        let answer = try await BodyLog.answer("1")
        let first = try #require(try writer.write([answer])[0])
        let paths = [BodyKey.State.key, .end].map {
            BodyKey.path(first.key, $0, in: directory.keys)
        }
        try FileManager.default.moveItem(atPath: paths[0], toPath: paths[1])
        let second = try #require(try writer.write([answer])[0])
        #expect(first.key != second.key)
        #expect(first.key.day == second.key.day)
    }

    @Test func namesOfKeysAreExact() throws {
        let id = try #require(BodyKey.ID("20261127-30-9f86d081884c7d65"))
        #expect(id.text == "20261127-30-9f86d081884c7d65")
        #expect(id.ends(daysMost: .max / 2 / 86_400) == (id.day + 31) * 86_400)
        #expect(id.ends(daysMost: 7) == (id.day + 8) * 86_400)
        for text in [
            "20261127-30-9F86d081884c7d65", "20261131-30-9f86d081884c7d65",
            "2026112-30-9f86d081884c7d65", "20261127-030-9f86d081884c7d65",
            "20261127-0-9f86d081884c7d65", "20261127-30-9f86d081884c7d6",
            "20261127-30-+f86d081884c7d65", "20261127-30", "+0261127-30-9f86d081884c7d65",
        ] {
            #expect(BodyKey.ID(text) == nil, "\(text)")
        }
    }

    /// A caller who writes the words of a note into an argument makes no note.
    @Test func onlyTheEndOfALineIsANote() throws {
        let key = try #require(BodyKey.ID("20261127-30-9f86d081884c7d65"))
        let note = BodyNote(
            key: key, number: 1, offset: 9, length: 50, digest: String(repeating: "a", count: 64))
        let start = Array(#""event":"outcome","call":"1","microseconds":4"#.utf8)
        #expect(BodyNote(endOf: (start + note.member)[...]) == note)
        #expect(BodyNote(endOf: start[...]) == nil)
        #expect(BodyNote(endOf: (start + note.member + Array(#","x":1"#.utf8))[...]) == nil)
        var writer = JSONWriter()
        writer.member("event", "outcome")
        writer.member("text", String(decoding: note.member, as: UTF8.self))
        #expect(BodyNote(endOf: writer.finish()[...]) == nil)
        for index in note.member.indices {
            var changed = note.member
            changed[index] ^= 1
            #expect(BodyNote(endOf: (start + changed)[...]) != note)
        }
    }

    @Test func aTombstoneIsOneExactly() throws {
        let key = try #require(BodyKey.ID("20261127-30-9f86d081884c7d65"))
        for held in [[], [4], [4, 9, 100]] {
            let tombstone = BodyTombstone(key: key, bodies: 12, held: held)
            #expect(BodyTombstone(tombstone.line[...]) == tombstone)
            #expect(try RecordSchema.faults(ofBody: tombstone.line) == [])
            #expect(BodyTombstone((tombstone.line + [0x20])[...]) == nil)
        }
        for list in ["[4,4]", "[9,4]", "[,4]", "[4,]", "[4", "[04]"] {
            let line = #""event":"destroyed","v":1,"key":"\#(key.text)","bodies":1,"held":\#(list)"#
            #expect(BodyTombstone(Array(line.utf8)[...]) == nil, "\(list)")
        }
    }

    /// Test case 14 of the GCM specification, and what must not open.
    @Test func theCipherIsTheOneThatTheStandardSays() throws {
        let key = Digest32()
        let nonce = [UInt8](repeating: 0, count: 12)
        let sealed = try AES256GCM.seal(
            [UInt8](repeating: 0, count: 16), key: key, nonce: nonce, context: [])
        #expect(
            Hex.encode(sealed)
                == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
        #expect(
            try AES256GCM.open(sealed[...], key: key, nonce: nonce, context: [])
                == [UInt8](repeating: 0, count: 16))
        #expect(try AES256GCM.open(sealed[...], key: key, nonce: nonce, context: [1]) == nil)
        let other = SHA256.digest("other")
        #expect(try AES256GCM.open(sealed[...], key: other, nonce: nonce, context: []) == nil)
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(try AES256GCM.open(changed[...], key: key, nonce: nonce, context: []) == nil)
        }
        #expect(try AES256GCM.open([], key: key, nonce: nonce, context: []) == nil)
    }
}
