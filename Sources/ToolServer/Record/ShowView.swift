import Backends
import Enforcement
import JSON

/// `audit show`: one line by its number, or every line of one call.
enum ShowView {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: RecordPlace.options, flags: ["--json"], operands: 1)
        guard let wanted = arguments.operands.first else {
            throw UsageError("audit show takes the number of one line, or the id of a call")
        }
        let place = try RecordPlace(arguments)
        let lines = try Int(wanted).map { try [line($0, in: place)] } ?? call(wanted, in: place)
        for (index, line) in lines.enumerated() {
            if arguments.has("--json") {
                StandardStream.output.write(line.bytes + [0x0A])
                continue
            }
            if index > 0 { StandardStream.output.line("") }
            for member in line.object.members {
                let value = member.value.string ?? member.value.text
                let text = "\(LineSummary.padded(member.name, 12))  \(value)"
                StandardStream.output.line(printable(text, limit: 1 << 20))
            }
        }
        return .done
    }

    private static func line(_ sequence: Int, in place: RecordPlace) throws -> RecordedLine {
        guard let line = try AuditReader(directory: place.directory).line(sequence: sequence) else {
            throw CommandFailure("the record has no line \(sequence)")
        }
        guard let read = RecordedLine(line) else {
            throw CommandFailure("line \(sequence) is not JSON")
        }
        return read
    }

    private static func call(_ id: String, in place: RecordPlace) throws -> [RecordedLine] {
        var query = RecordQuery(most: 1)
        query.fields = [(.call, id)]
        query.log = place.named
        guard let hit = try place.failing({ try place.index().find(query) }).first else {
            throw CommandFailure("the record has no call \(id)")
        }
        return try place.lines(of: hit)
    }
}
