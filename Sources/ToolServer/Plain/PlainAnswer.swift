import Enforcement
import EventLoop
import JSON

/// The outcome of a call for a program.
enum PlainAnswer {
    /// The one place where an outcome becomes a status: a call that goes on after its request, with
    /// a handle, belongs here as 202 with `Location`.
    static func response(to outcome: Outcome, in serving: Serving) -> HTTPResponse {
        switch outcome {
        case .answered(let result): .json(200, AnswerJSON.whole(result))
        case .refused(let refusal): ProblemDetails(refusal, in: serving).response
        }
    }

    /// Of what it makes of an answer.
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
