import Enforcement
import JSON

/// `audit retention`: what the next look of whoever keeps the record would remove. Changes nothing.
enum RetentionView {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(words, options: RecordPlace.options)
        let server = try Startup.settings(arguments)
        let place = try RecordPlace(arguments)
        try tellKeys(server, place)
        guard let settings = server.retention else {
            StandardStream.output.line(
                "server.json has no `retention`: the record is kept for good")
            return .done
        }
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

    /// Of the answers that are kept.
    private static func tellKeys(_ server: ServerSettings, _ place: RecordPlace) throws {
        for log in place.logs where BodyDestruction.hasAny(keys: place.keys(of: log)) {
            let directory = place.directory(of: log)
            let unsent = try StreamCursor.firstUnsentLine(
                server.streams.map(\.name), state: place.state, log: log, directory: directory)
            let pass = try BodyPass(
                server.retention, server.bodies, log: directory, keys: place.keys(of: log),
                before: unsent, at: WallClock.seconds())
            for due in pass.due {
                StandardStream.output.line("\(log): the key \(due.key.text) would be destroyed")
            }
            for notice in pass.notices { StandardStream.output.line("\(log): \(notice)") }
        }
    }
}
