import Glibc
import JSON

/// JSON lines in, JSON lines out, one for one and in order: how the lab's commands work.
struct JSONLines {
    /// Each answer begins with the line's `id`. A line that makes no sense is answered with
    /// `error`. The end of the input, or of the one who reads the output, ends it.
    static func answer(
        _ body: (JSONObject) async throws(UsageError) -> JSONObject
    ) async -> ExitCode {
        var splitter = LineSplitter()
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        var exit = ExitCode.done
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe read(STDIN_FILENO, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            let lines =
                count > 0
                ? splitter.split(Array(buffer[..<count]))
                : splitter.end().map { [.whole($0)] } ?? []
            for line in lines {
                var answer = JSONObject()
                do throws(UsageError) {
                    let object = try object(line)
                    answer["id"] = object["id"]
                    for member in try await body(object).members {
                        answer[member.name] = member.value
                    }
                } catch {
                    exit = .failed
                    answer["error"] = .string(error.message)
                }
                let bytes = JSONValue.object(answer).bytes + [0x0A]
                guard StandardStream.output.write(bytes) else { return .failed }
            }
            if count <= 0 { return count < 0 ? .failed : exit }
        }
    }

    private static func object(_ line: LineSplitter.Line) throws(UsageError) -> JSONObject {
        guard case .whole(let bytes) = line else {
            throw UsageError("the line is longer than \(LineSplitter.lineBytesMax >> 20) MB")
        }
        do throws(JSONError) {
            if case .object(let object) = try JSONParser.parse(bytes) { return object }
        } catch {
            throw UsageError("not JSON at byte \(error.offset): \(error.message)")
        }
        throw UsageError("a line must be a JSON object")
    }
}
