// What is said beside the record: a process tells the recorder how far streams have it, and learns
// how the recorder does.

import Enforcement
import EventLoop
import JSON

/// For each stream the first file of the record of which it does not have all, as a server says.
struct ShippedFiles: Sendable, Equatable {
    var segments: [Name: Int] = [:]

    private static let streamsMax = 64

    /// As a frame.
    var bytes: [UInt8] {
        var writer = FrameWriter(.look)
        writer.append(short: segments.count)
        for (name, segment) in segments {
            writer.append(Array(name.text.utf8))
            writer.append(segment)
        }
        return writer.finish()
    }

    init(_ segments: [Name: Int] = [:]) { self.segments = segments }

    init?(_ reader: FrameReader) {
        var reader = reader
        guard reader.kind == .look, let count = reader.short(),
            (0...Self.streamsMax).contains(count)
        else { return nil }
        for _ in 0..<count {
            guard let name = reader.text(), let segment = reader.number(), segment > 0 else {
                return nil
            }
            segments[Name(String(decoding: name, as: UTF8.self))] = segment
        }
        guard reader.isAtEnd else { return nil }
    }
}

/// How a recorder does.
struct RecorderReport: Sendable, Equatable {
    var figures = RecorderFigures()
    /// Lines in the record.
    var lines = 0
    /// That write through it now.
    var processes = 0
    /// Calls without an outcome yet.
    var openCalls = 0
    /// Made anew without what is no longer kept, since it was started.
    var rewrittenFiles = 0
    /// Declared streams of which no server has said yet how far they are: nothing is removed
    /// before.
    var unheardStreams: [String] = []

    func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("standing", figures.standing.rawValue)
        writer.member("lines", lines)
        writer.member("processes", processes)
        writer.member("openCalls", openCalls)
        writer.member("rewrittenFiles", rewrittenFiles)
        writer.member("failures", figures.failures)
        writer.member("waitingBytes", figures.waitingBytes)
        for (name, distribution) in [
            ("commitMicroseconds", figures.commits), ("batchLines", figures.lines),
        ] {
            writer.name(name)
            writer.beginObject()
            writer.name("counts")
            writer.beginArray()
            for count in distribution.counts { writer.int(count) }
            writer.endArray()
            writer.member("sum", distribution.sum)
            writer.endObject()
        }
        writer.name("unheardStreams")
        writer.beginArray()
        for name in unheardStreams { writer.string(name) }
        writer.endArray()
        writer.endObject()
    }

    /// As a frame.
    var bytes: [UInt8] {
        var json = JSONWriter()
        write(into: &json)
        var writer = FrameWriter(.report)
        writer.append(json.finish())
        return writer.finish()
    }

    init() {}

    init?(_ reader: FrameReader) {
        var reader = reader
        guard reader.kind == .report, let text = reader.text(), reader.isAtEnd,
            let value = try? JSONParser.parse(text), let lines = value["lines"]?.int,
            let processes = value["processes"]?.int, let openCalls = value["openCalls"]?.int,
            let rewritten = value["rewrittenFiles"]?.int, let failures = value["failures"]?.int,
            let waiting = value["waitingBytes"]?.int,
            let standing = value["standing"]?.string.flatMap({ RecordStanding(rawValue: $0) }),
            let unheard = value["unheardStreams"]?.array,
            Self.read(value["commitMicroseconds"], into: &figures.commits),
            Self.read(value["batchLines"], into: &figures.lines)
        else { return nil }
        figures.standing = standing
        figures.failures = failures
        figures.waitingBytes = waiting
        self.lines = lines
        self.processes = processes
        self.openCalls = openCalls
        rewrittenFiles = rewritten
        unheardStreams = unheard.compactMap(\.string)
    }

    /// False where it is of another form.
    private static func read(
        _ value: JSONValue?, into distribution: inout RecorderFigures.Distribution
    ) -> Bool {
        guard let counts = value?["counts"]?.array?.compactMap(\.int), let sum = value?["sum"]?.int,
            counts.count == distribution.counts.count
        else { return false }
        distribution.counts = counts
        distribution.sum = sum
        return true
    }
}

extension RecorderReport {
    /// Asks the recorder. Blocks its thread, at most for a few seconds.
    static func ask(
        _ settings: RecorderSettings, saying shipped: ShippedFiles = ShippedFiles()
    ) throws(RecordError) -> RecorderReport {
        let line = try RecorderLine.connect(to: settings)
        defer { line.socket.end() }
        let answer = try line.exchange(
            shipped.bytes, first: patience, rest: patience, with: settings)
        guard let report = RecorderReport(answer) else {
            throw .unavailable("the recorder is of another version, or refuses to say how it does")
        }
        return report
    }

    private static let patience = Duration.seconds(2)
}
