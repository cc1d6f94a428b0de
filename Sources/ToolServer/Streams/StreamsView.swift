import Enforcement
import Glibc
import JSON

/// `audit streams`: how far each stream has taken each log, from the files alone. Ends with 1 where
/// one is further behind than it may be.
enum StreamsView {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: ["--manifests", "--state"], flags: ["--json"])
        let settings = try Startup.settings(arguments)
        let installation = Startup.installation(arguments, settings)
        let state = Startup.absolute(installation.directory)
        let records = Startup.absolute(installation.records)
        var code = ExitCode.done
        for log in RecordPlace.logs(in: records) {
            let reader = AuditReader(directory: "\(records)/\(log)")
            let origin = try reader.identity()
            let end = try reader.last(1).last.map { $0.sequence + 1 } ?? 0
            for stream in settings.streams {
                let file = StreamCursor.file(state + "/streams", stream.name, log)
                let sent = StreamCursor.read(file, origin: origin)?.sent ?? 0
                let behind = max(0, end - sent)
                if let bound = stream.bound, behind > bound.lines { code = .failed }
                tell(stream.name, log, sent, behind, asJSON: arguments.has("--json"))
            }
        }
        return code
    }

    private static func tell(
        _ stream: Name, _ log: String, _ sent: Int, _ behind: Int, asJSON: Bool
    ) {
        guard asJSON else {
            let text = "\(stream.text)  \(log)  \(sent) lines arrived, \(behind) to come"
            return StandardStream.output.line(printable(text, limit: 512))
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("stream", stream.text)
        writer.member("log", log)
        writer.member("arrived", sent)
        writer.member("behind", behind)
        writer.endObject()
        StandardStream.output.write(writer.finish() + [0x0A])
    }
}
