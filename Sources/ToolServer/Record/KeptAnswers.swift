import Enforcement
import JSON

/// The answers that are kept beside one log, for who may read its keys.
struct KeptAnswers {
    struct Answer {
        let call: String
        let outcome: Result<[UInt8], BodyReader.Fault>

        var text: String {
            switch outcome {
            case .success(let bytes): String(decoding: bytes, as: UTF8.self)
            case .failure(.noKey):
                "cannot be read: its key was destroyed, or this user may not read it"
            case .failure(let fault): "cannot be read: \(fault.reason)"
            }
        }

        /// As a line of JSON.
        var line: [UInt8] {
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("call", call)
            switch outcome {
            case .success(let bytes):
                writer.name("answer")
                writer.raw(bytes)
            case .failure: writer.member("unreadable", text)
            }
            writer.endObject()
            return writer.finish()
        }
    }

    private let reader: BodyReader

    init(_ place: RecordPlace, log: String) {
        reader = BodyReader(log: place.directory(of: log), keys: place.keys(of: log))
    }

    /// Nil for a line that tells of none.
    func answer(of line: RecordedLine) -> Answer? {
        guard let call = line.call, let note = BodyNote(line["body"]) else { return nil }
        return Answer(call: call, outcome: reader.answer(note, of: call))
    }
}
