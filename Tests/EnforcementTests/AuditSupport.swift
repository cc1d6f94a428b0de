import Foundation
import Synchronization

@testable import Enforcement

/// A directory for one test, gone with it.
final class AuditDirectory: Sendable {
    let root: String
    var log: String { root + "/log" }
    var keys: String { root + "/keys" }

    init() {
        // In memory where there is such a place: most tests do not need a disk's slowness.
        let memory = "/dev/shm"
        let isUsable = FileManager.default.isWritableFile(atPath: memory)
        root = (isUsable ? memory + "/" : NSTemporaryDirectory()) + "record-" + UUID().uuidString
        try? FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    /// Where another test starts a process, that one holds for a moment all that is open here, and
    /// so a lock that was given back.
    func open(
        _ limits: RecorderLimits = RecorderLimits(), disk: RecorderDisk = .real
    ) throws -> Recorder {
        for _ in 0..<200 {
            do {
                return try Recorder.open(directory: log, keys: keys, limits: limits, disk: disk)
            } catch RecordError.locked { poll(nil, 0, 5) }
        }
        return try Recorder.open(directory: log, keys: keys, limits: limits, disk: disk)
    }

    var publicKey: String {
        get throws { try String(contentsOfFile: log + "/record.pub", encoding: .utf8) }
    }

    func verify() throws -> AuditVerifier.Report {
        try AuditVerifier.verify(directory: log, publicKey: publicKey)
    }

    func bytes(_ segment: Int = 1) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(segment))))
    }

    func write(_ bytes: [UInt8], _ segment: Int = 1) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path(segment)))
    }

    /// With their line feeds.
    func lines(_ segment: Int = 1) throws -> [[UInt8]] {
        var lines: [[UInt8]] = [[]]
        for byte in try bytes(segment) {
            lines[lines.count - 1].append(byte)
            if byte == 0x0A { lines.append([]) }
        }
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    func path(_ segment: Int) -> String { log + "/" + SegmentDirectory.name(segment) }

    var segments: [Int] { get throws { try SegmentDirectory.segments(in: log) } }

    func copy(to other: AuditDirectory) throws {
        let manager = FileManager.default
        for (from, to) in [(log, other.log), (keys, other.keys)] {
            try? manager.removeItem(atPath: to)
            try manager.copyItem(atPath: from, toPath: to)
        }
    }
}

func intent(_ call: Int, padding: Int = 0) -> [UInt8] {
    Array(
        #""event":"intent","call":"\#(call)","text":"\#(String(repeating: "x", count: padding))""#
            .utf8)
}

func outcome(_ call: Int) -> [UInt8] { Array(#""event":"outcome","call":"\#(call)""#.utf8) }

/// A disk that follows orders.
final class ScriptedDisk: Sendable {
    enum Fault: Sendable { case none, enospc, short(Int), eio }
    struct Script: Sendable {
        var write = Fault.none
        var sync = Fault.none
        var isTruncateRefused = false
        var writes = 0
        var syncs = 0
        var isCreateRefused = false
        var holdSync: DispatchSemaphore?
        var written: [Int32] = []
        var failed: Set<Int32> = []
        var usedAfterFailure = false
    }
    let script = Mutex(Script())

    func set(_ change: @Sendable (inout Script) -> Void) { script.withLock { change(&$0) } }

    var disk: RecorderDisk {
        RecorderDisk(
            create: { [self] path in
                script.withLock { $0.isCreateRefused } ? -EROFS : RecorderDisk.real.create(path)
            },
            write: { [self] descriptor, bytes, offset in
                let fault = script.withLock { script in
                    script.writes += 1
                    if script.failed.contains(descriptor) { script.usedAfterFailure = true }
                    if case .none = script.write {} else { script.failed.insert(descriptor) }
                    return script.write
                }
                switch fault {
                case .none: return RecorderDisk.real.write(descriptor, bytes, offset)
                case .short(let count):
                    return RecorderDisk.real.write(
                        descriptor, Array(bytes.prefix(min(count, bytes.count - 1))), offset)
                case .enospc: return -Int(ENOSPC)
                case .eio: return -Int(EIO)
                }
            },
            sync: { [self] descriptor in
                let (fault, hold) = script.withLock { script in
                    script.syncs += 1
                    if script.failed.contains(descriptor) { script.usedAfterFailure = true }
                    if case .none = script.sync {} else { script.failed.insert(descriptor) }
                    return (script.sync, script.holdSync)
                }
                hold?.wait()
                if case .none = fault { return RecorderDisk.real.sync(descriptor) }
                return -EIO
            },
            truncate: { [self] descriptor, size in
                let isRefused = script.withLock { script in
                    if script.failed.contains(descriptor) { script.usedAfterFailure = true }
                    if script.isTruncateRefused { script.failed.insert(descriptor) }
                    return script.isTruncateRefused
                }
                return isRefused ? -EIO : RecorderDisk.real.truncate(descriptor, size)
            })
    }
}
