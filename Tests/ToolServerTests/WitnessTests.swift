import Foundation
import JSON
import Synchronization
import TestSupport
import Testing

@testable import Backends
@testable import Enforcement
@testable import EventLoop
@testable import ToolServer

/// A witness as C2SP `tlog-witness` describes it, which checks proofs by itself.
private final class FakeWitness: HTTPHandler {
    enum Manner: Sendable { case honest, hangs, answers(Int, [UInt8]) }

    struct State: Sendable {
        var size = 0
        var root: [UInt8] = []
        var manner = Manner.honest
        var olds: [Int] = []
        var key: Ed25519PrivateKey
    }

    let state: Mutex<State>
    let name = "w.example"
    let publicKey: Ed25519PublicKey

    init() throws {
        let key = try Ed25519PrivateKey.generate()
        publicKey = key.publicKey
        state = Mutex(State(key: key))
    }

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) async {
        let manner = state.withLock { $0.manner }
        switch manner {
        case .hangs: try? await EventLoop.current?.sleep(for: .milliseconds(400))
        case .answers(let status, let body): return respond(exchange, status, body)
        case .honest: break
        }
        guard request.path == "/log/add-checkpoint" else { return respond(exchange, 404, []) }
        let (status, body) = take(String(decoding: request.body, as: UTF8.self))
        respond(exchange, status, body)
    }

    private func respond(_ exchange: HTTPExchange, _ status: Int, _ body: [UInt8]) {
        exchange.respond(
            HTTPResponse(status: status, headers: [("content-type", "text/plain")], body: body))
    }

    private func take(_ text: String) -> (Int, [UInt8]) {
        let lines = text.components(separatedBy: "\n")
        guard lines[0].hasPrefix("old "), let old = Int(lines[0].dropFirst(4)),
            let blank = lines.firstIndex(of: ""), blank + 5 < lines.count,
            let size = Int(lines[blank + 2]), let root = Base64.decode(lines[blank + 3])
        else { return (400, []) }
        let proof = lines[1..<blank].compactMap { Base64.decode($0) }
        let note = lines[blank + 1...blank + 3].joined(separator: "\n") + "\n"
        return state.withLock { state in
            state.olds.append(old)
            guard old == state.size else { return (409, Array("\(state.size)\n".utf8)) }
            guard
                GrowthProof.holds(
                    old: old, oldRoot: state.root, new: size, newRoot: root, proof: proof)
            else { return (old == size ? 409 : 422, Array("\(state.size)\n".utf8)) }
            (state.size, state.root) = (size, root)
            return (200, cosignature(note, state.key))
        }
    }

    private func cosignature(_ note: String, _ key: Ed25519PrivateKey) -> [UInt8] {
        let time = 1_800_000_000
        let hash = SHA256.digest(Array(name.utf8) + [10, 4] + publicKey.bytes).bytes.prefix(4)
        let stamp = (0..<8).map { UInt8(truncatingIfNeeded: time >> (56 - 8 * $0)) }
        let signature = try? key.sign(Array("cosignature/v1\ntime \(time)\n\(note)".utf8))
        return Array("— \(name) \(Base64.encode(hash + stamp + (signature ?? [])))\n".utf8)
    }
}

/// One log, one witness, and what becomes of it.
@Suite final class WitnessTests {
    private let folder: RecordFolder
    private let witness: FakeWitness
    private let workers = WorkerPool(threads: 1, queueLimit: 8, name: "test")
    private let watch = WitnessWatch()
    private let key: Ed25519PrivateKey

    init() throws {
        folder = try RecordFolder("witness", limits: RecorderLimits(segmentBytes: 4_096))
        witness = try FakeWitness()
        key = try Ed25519PrivateKey.generate()
        try FileManager.default.createDirectory(
            atPath: folder.path + "/witnesses", withIntermediateDirectories: true)
    }

    deinit { workers.stop() }

    private var kept: String {
        KeptCosignature.file(folder.path + "/witnesses", "w", "record")
    }

    private func grow(_ recorder: Recorder? = nil, _ count: Int = 5) async throws {
        for number in 0..<count {
            let body = #""event":"outcome","call":"c\#(number)","v":1,"code":"ok""#
            _ = try await (recorder ?? folder.recorder).append([Array(body.utf8)])
        }
    }

    /// What a round comes to; nil where all is well.
    private func round(log: String? = nil) async throws -> WitnessShipper.Failure? {
        let group = try EventLoopGroup(count: 1)
        try group.start()
        defer { group.stop() }
        let record = log ?? folder.path + "/record"
        let (path, key) = (folder.path, key)
        let task = Task(executorPreference: group.loops[0]) { [witness, workers, watch] in
            let server = try HTTPServer(
                group: group, address: "127.0.0.1", port: 0, limits: HTTPLimits(), handler: witness)
            let url = try HTTPURL("http://127.0.0.1:\(server.port)/log")
            let settings = WitnessSettings(
                name: "w", url: url,
                key: WitnessKey(name: witness.name, publicKey: witness.publicKey),
                interval: .seconds(60), networks: [])
            let place = DeliveryPlace(
                url: url, networks: [NetworkRange("127.0.0.0/8")].compactMap(\.self),
                security: nil)
            let shipper = WitnessShipper(
                settings,
                WitnessDelivery(
                    place, names: SystemNameLookup(threads: 1), limit: .milliseconds(200)),
                means: .init(
                    directory: path + "/witnesses", record: record, log: "record",
                    key: key, workers: workers, watch: watch))
            var failure: WitnessShipper.Failure?
            do throws(WitnessShipper.Failure) { try await shipper.round() } catch {
                failure = error
            }
            await server.drain(deadline: .now())
            return failure
        }
        return try await task.value
    }

    private func manner(_ manner: FakeWitness.Manner) {
        witness.state.withLock { $0.manner = manner }
    }

    private var olds: [Int] { witness.state.withLock { $0.olds } }
    private var size: Int { witness.state.withLock { $0.size } }

    private func otherHistory(
        _ failure: WitnessShipper.Failure?, _ words: String
    ) -> Bool {
        guard case .otherHistory(let reason) = failure else { return false }
        return reason.contains(words)
    }

    private func complaint(_ log: String) throws -> String {
        do {
            _ = try AuditVerifier.verify(
                directory: log,
                publicKey: String(contentsOfFile: log + "/record.pub", encoding: .utf8),
                kept: try KeptCheckpoint.read(
                    Array(try Data(contentsOf: URL(fileURLWithPath: kept)))))
            return ""
        } catch let error as RecordError { return error.description }
    }

    @Test func aWitnessFollowsAGrowingLogAndItsWordIsKept() async throws {
        var sizes: [Int] = []
        for _ in 0..<4 {
            try await grow()
            #expect(try await round() == nil)
            sizes.append(size)
        }
        #expect(olds == [0] + sizes.dropLast())
        // Nothing new, nothing asked.
        #expect(try await round() == nil)
        #expect(olds.count == 4)
        #expect(try complaint(folder.path + "/record") == "")
    }

    @Test func whoLostWhatWasCosignedIsToldTheSizeAndGoesOn() async throws {
        try await grow()
        #expect(try await round() == nil)
        let first = size
        try FileManager.default.removeItem(atPath: kept)
        // As large as the log is.
        #expect(try await round() == nil)
        try FileManager.default.removeItem(atPath: kept)
        try await grow()
        #expect(try await round() == nil)
        #expect(olds == [0, 0, first, 0, first])
        #expect(size > first)
    }

    /// A copy of the log as it is now, which another process goes on with.
    private func copied() throws -> String {
        let other = folder.path + "/copy"
        for part in ["record", "keys"] {
            try FileManager.default.createDirectory(
                atPath: other, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                atPath: "\(folder.path)/\(part)", toPath: "\(other)/\(part)")
        }
        return other
    }

    @Test func aLogThatWasSetBackIsSaidByFileAndByWitness() async throws {
        try await grow()
        let older = try copied()
        try await grow()
        #expect(try await round() == nil)
        #expect(otherHistory(try await round(log: older + "/record"), "set back"))
        #expect(try complaint(older + "/record").contains("set back"))
        // Whoever set back the log sets back the file too.
        try FileManager.default.removeItem(atPath: kept)
        #expect(otherHistory(try await round(log: older + "/record"), "set back"))
        #expect(try await round() == nil)
    }

    @Test func aLogThatWasWrittenTwiceIsSaidByFileAndByWitness() async throws {
        try await grow()
        let older = try copied()
        try await grow(nil, 2)
        #expect(try await round() == nil)
        let recorder = try Recorder.open(directory: older + "/record", keys: older + "/keys/record")
        try await grow(recorder, 12)
        recorder.close()
        let asked = olds.count
        #expect(otherHistory(try await round(log: older + "/record"), "two histories"))
        #expect(olds.count == asked, "the file says it without the witness")
        #expect(try complaint(older + "/record").contains("two histories"))
        try FileManager.default.removeItem(atPath: kept)
        #expect(otherHistory(try await round(log: older + "/record"), "two histories"))
    }

    @Test func whatAWitnessAnswersWronglyIsNoCosignature() async throws {
        try await grow()
        let huge = [UInt8](repeating: 0x61, count: 1 << 20)
        for answer in [
            FakeWitness.Manner.answers(200, []), .answers(200, Array("— w.example AAAA\n".utf8)),
            .answers(500, []), .answers(302, []), .answers(404, []), .answers(409, []),
            .answers(409, Array("007\n".utf8)), .answers(409, Array("x".utf8)),
            .answers(200, huge), .hangs,
        ] {
            manner(answer)
            let failure = try await round()
            guard case .away = failure else {
                Issue.record("\(String(describing: failure)) for \(answer)")
                continue
            }
            #expect(!FileManager.default.fileExists(atPath: kept))
        }
        // Signed by another's key.
        manner(.honest)
        let other = try Ed25519PrivateKey.generate()
        let mine = witness.state.withLock { state in
            defer { state.key = other }
            return state.key
        }
        guard case .away = try await round() else { return #expect(Bool(false)) }
        #expect(!FileManager.default.fileExists(atPath: kept))
        witness.state.withLock { $0.key = mine }
        #expect(try await round() == nil)
    }

    @Test func theWatchSaysHowManyWitnessesHaveAnotherHistory() {
        #expect(watch.complaint == nil)
        watch.set("a", isTroubled: true)
        watch.set("a", isTroubled: true)
        #expect(watch.complaint?.hasPrefix("1 of the witnesses") == true)
        watch.set("a", isTroubled: false)
        #expect(watch.complaint == nil)
    }
}

@Test func witnessesAreReadAsTheyAreWritten() throws {
    let key = WitnessKey(name: "w.example", publicKey: try Ed25519PrivateKey.generate().publicKey)
    func problems(_ witness: String) throws -> String {
        let server = #"{"server": "shop", "witnesses": [\#(witness)]}"#
        do {
            _ = try ManifestFixture(["server.json": server]).load()
            return ""
        } catch let error as ManifestError { return error.text }
    }
    let good =
        #"{"witness": "a", "url": "https://w.example/log", "key": "\#(key.text)", "seconds": 30}"#
    let server = #"{"server": "shop", "witnesses": [\#(good)]}"#
    let read = try ManifestFixture(["server.json": server]).load().server.witnesses
    #expect(read.map(\.key.text) == [key.text])
    #expect(read.map(\.interval) == [.seconds(30)])
    #expect(try problems("\(good), \(good)").contains("a second time"))
    for (old, new, problem) in [
        ("https://w.example/log", "http://w.example/log", "must be an https:// URL"),
        ("w.example/log", "w.example/log?a=1", "must have no query"),
        (key.text, "w.example+00000000+AAAA", "must be the witness's verifier key"),
        ("30", "0", "seconds"),
    ] {
        let text = good.replacingOccurrences(of: old, with: new)
        #expect(try problems(text).contains(problem), "\(text)")
    }
}
