import Backends
import Enforcement
import JSON

/// `audit show`: one line by its number, or every line of one call.
enum ShowView {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: RecordPlace.options, flags: ["--body", "--json"], operands: 1)
        guard let wanted = arguments.operands.first else {
            throw UsageError("audit show takes the number of one line, or the id of a call")
        }
        let place = try RecordPlace(arguments)
        let (log, lines) =
            try Int(wanted).map {
                (place.named ?? Installation.firstLog, try [line($0, in: place)])
            } ?? call(wanted, in: place)
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
        if arguments.has("--body") { show(KeptAnswers(place, log: log), of: lines, arguments) }
        return .done
    }

    private static func show(
        _ answers: KeptAnswers, of lines: [RecordedLine], _ arguments: Arguments
    ) {
        let found = lines.compactMap { answers.answer(of: $0) }
        if arguments.has("--json") {
            for answer in found { StandardStream.output.write(answer.line + [0x0A]) }
        } else if found.isEmpty {
            StandardStream.output.line("no answer was kept")
        } else {
            for answer in found {
                StandardStream.output.line(
                    printable("\(LineSummary.padded("answer", 12))  \(answer.text)", limit: 8 << 20)
                )
            }
        }
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

    private static func call(
        _ id: String, in place: RecordPlace
    ) throws -> (log: String, lines: [RecordedLine]) {
        var query = RecordQuery(most: 1)
        query.fields = [(.call, id)]
        query.log = place.named
        guard let hit = try place.failing({ try place.index().find(query) }).first else {
            throw CommandFailure("the record has no call \(id)")
        }
        return (hit.log, try place.lines(of: hit))
    }
}
