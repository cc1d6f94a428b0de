import Enforcement
import JSON

/// `audit retention`: what the next look of whoever keeps the record would remove. Changes nothing.
enum RetentionView {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(words, options: RecordPlace.options)
        let server = try Startup.settings(arguments)
        guard let settings = server.retention else {
            StandardStream.output.line(
                "server.json has no `retention`: the record is kept for good")
            return .done
        }
        let place = try RecordPlace(arguments)
        for log in place.logs {
            let directory = place.directory(of: log)
            let shipped = try StreamCursor.firstUnsent(
                server.streams.map(\.name), state: place.state, log: log, directory: directory)
            let pass = try RetentionPass(
                settings, log: directory, before: shipped.min() ?? .max, at: WallClock.seconds())
            StandardStream.output.line(
                "\(log): \(counted(pass.lines.count, "line")) of \(counted(pass.calls, "call")) would go, in \(counted(pass.segments.count, "file"))"
            )
        }
        for hold in settings.holds { StandardStream.output.line("held: \(hold.name)") }
        return .done
    }
}
