import Glibc
import JSON

/// `toolserver json-check`: one document on standard input, as the server would read a message.
///
/// What is accepted comes back as it would be passed on, so that anyone can compare this reading
/// of a document with another program's.
enum JSONCheckCommand {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        _ = try Arguments(words, options: [])
        let limits = JSONLimits()
        guard let bytes = FileBytes.content(of: STDIN_FILENO, atMost: limits.bytes) else {
            throw CommandFailure("standard input cannot be read")
        }
        do throws(JSONError) {
            let document = try JSONParser.parse(bytes, limits: limits)
            let written = StandardStream.output.write(document.bytes + [UInt8(ascii: "\n")])
            return written ? .done : .failed
        } catch {
            throw CommandFailure(verdict(error))
        }
    }

    static func verdict(_ error: JSONError) -> String {
        "not acceptable JSON at byte \(error.offset): \(error.message)"
    }
}
