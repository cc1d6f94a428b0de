import Enforcement
import EventLoop
import JSON

/// The outcome of a call for a program.
enum PlainAnswer {
    /// The one place where an outcome becomes a status: a call that goes on after its request, with
    /// a handle, belongs here as 202 with `Location`.
    static func response(to outcome: Outcome, in serving: Serving) -> HTTPResponse {
        switch outcome {
        case .answered(let result): .json(200, body(of: result))
        case .refused(let refusal): ProblemDetails(refusal, in: serving).response
        }
    }

    /// A document as it is, rows under `rows`; a text under `text`, bytes under `data`.
    static func body(of result: MaskedResult) -> [UInt8] {
        var writer = JSONWriter(reserving: 64 + 2 * result.rows.byteCount)
        switch result.content {
        case .rows, .document: AnswerJSON(result)?.write(into: &writer)
        case .text(let text):
            writer.beginObject()
            writer.member("text", text)
            writer.endObject()
        case .binary(let bytes, let mediaType):
            writer.beginObject()
            writer.member("data", Base64.encode(bytes))
            writer.member("mediaType", mediaType)
            writer.endObject()
        }
        return writer.finish()
    }

    /// Of what `body` makes.
    static func schema(for tool: GuardedTool) -> JSONValue {
        if let schema = tool.outputSchema { return schema }
        return [
            "type": "object",
            "properties": [
                "text": ["type": "string"], "mediaType": ["type": "string"],
                "data": ["type": "string", "contentEncoding": "base64"],
            ],
        ]
    }
}
