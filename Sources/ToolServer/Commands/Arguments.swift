import JSON

/// The words after a command: `--name value`, `--flag` and the rest, in order.
struct Arguments {
    private(set) var operands: [String] = []
    private var values: [Name: String] = [:]
    private var flags: Set<Name> = []

    /// Options that are not named here are errors with the nearest name that is.
    init(
        _ words: some Sequence<String>, options: [String], flags known: [String] = [],
        operands wanted: Int = 0
    ) throws(UsageError) {
        var words = Array(words)[...]
        while let word = words.popFirst() {
            guard word.utf8.starts(with: "--".utf8), word.utf8.count > 2 else {
                operands.append(word)
                continue
            }
            // `--name=` gives an empty value; it must not swallow the word behind it.
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                .map(String.init)
            let name = parts[0]
            if known.contains(where: { $0.isByteEqual(to: name) }) {
                guard parts.count == 1 else { throw UsageError("\(name) takes no value") }
                flags.insert(Name(name))
            } else if options.contains(where: { $0.isByteEqual(to: name) }) {
                guard let value = parts.count == 2 ? parts[1] : words.popFirst() else {
                    throw UsageError("\(name) needs a value")
                }
                values[Name(name)] = value
            } else {
                let hint = nearest(name, among: options + known).map { "; did you mean \($0)?" }
                throw UsageError("unknown option \(name)\(hint ?? "")")
            }
        }
        guard operands.count <= wanted else {
            throw UsageError("unexpected `\(operands[wanted])`; options begin with --")
        }
    }

    subscript(_ option: String) -> String? { values[Name(option)] }

    func has(_ flag: String) -> Bool { flags.contains(Name(flag)) }

    /// `--groups A,B`.
    var groups: [Name] {
        (self["--groups"] ?? "").split(separator: ",").map { Name(String($0)) }
    }

    func integer(_ option: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
        guard let text = self[option] else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw UsageError(
                "\(option) takes a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }
}

/// The command line makes no sense; exit code 2.
struct UsageError: Error {
    let message: String
    init(_ message: String) { self.message = message }
}

/// A command could not do its work; exit code 1.
struct CommandFailure: Error {
    let message: String
    init(_ message: String) { self.message = message }
}

enum ExitCode: Int32 {
    case done = 0
    case failed = 1
    case usage = 2
}
