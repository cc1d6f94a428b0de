import Enforcement

/// `audit prove` and `audit checkpoint`: what others need to believe the record.
enum ProofView {
    static func prove(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: ["--from"] + RecordPlace.options, operands: 1)
        let place = try RecordPlace(arguments)
        let size = try arguments.integer("--from", in: 1...(1 << 60))
        let sequence = arguments.operands.first.map { Int($0) }
        switch (sequence, size) {
        case (let sequence??, nil) where sequence >= 0:
            StandardStream.output.line(
                try AuditProof.inclusion(of: sequence, directory: place.directory).text)
        case (nil, let size?):
            StandardStream.output.line(
                try AuditProof.consistency(from: size, directory: place.directory).text)
        default:
            throw UsageError(
                "audit prove takes the number of a line, or --from and the size of an earlier checkpoint"
            )
        }
        return .done
    }

    static func checkpoint(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(words, options: RecordPlace.options)
        let note = try AuditProof.lastNote(directory: RecordPlace(arguments).directory)
        StandardStream.output.write(Array(note.utf8))
        return .done
    }
}
