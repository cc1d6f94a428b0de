import Enforcement
import EventLoop
import JSON

/// The caller's tools as a request to the Messages API lists them under `tools`.
enum MessagesAPITools {
    static func list(_ tools: [GuardedTool]) -> [UInt8] {
        let definitions = tools.map(\.tool).map { tool -> JSONValue in
            [
                "name": .string(tool.name.text), "description": .string(tool.description),
                "input_schema": tool.inputSchema,
            ]
        }
        return JSONValue.object(JSONObject(distinct: [("tools", .array(definitions))])).bytes
    }
}

/// A `tool_use` block of an answer of the Messages API, and the `tool_result` that goes back.
///
/// What the model can do something about is a result with `is_error`. What only the program can do
/// something about (who calls, and whether anything can be recorded at all) is a status.
struct ToolUseBlock {
    let name: String
    let input: JSONObject
    private let id: String

    init(_ block: JSONObject) throws(ProblemDetails) {
        guard block["type"]?.string?.isByteEqual(to: "tool_use") == true else {
            throw ProblemDetails(400, "Send one block whose `type` is \"tool_use\".")
        }
        guard let id = block["id"]?.string, let name = block["name"]?.string else {
            throw ProblemDetails(400, "`id` and `name` of the block must be strings.")
        }
        guard let input = block["input"]?.object else {
            throw ProblemDetails(400, "`input` of the block must be an object.")
        }
        self.id = id
        self.name = name
        self.input = input
    }

    func response(to outcome: Outcome, in serving: Serving) -> HTTPResponse {
        switch outcome {
        case .answered(let result): return self.result([Self.content(of: result)], isError: false)
        case .refused(let refusal):
            if refusal.isUnauthenticated || refusal.code == .recordUnavailable {
                return ProblemDetails(refusal, in: serving).response
            }
            let text = "\(refusal.told)\ncode: \(refusal.code.rawValue)"
            return self.result([Self.text(text)], isError: true)
        }
    }

    private func result(_ content: [JSONValue], isError: Bool) -> HTTPResponse {
        let block: JSONValue = [
            "type": "tool_result", "tool_use_id": .string(id), "content": .array(content),
            "is_error": .bool(isError),
        ]
        return .json(200, block.bytes)
    }

    private static func text(_ text: String) -> JSONValue {
        ["type": "text", "text": .string(text)]
    }

    private static func content(of result: MaskedResult) -> JSONValue {
        switch result.content {
        case .rows, .document:
            text(String(decoding: AnswerJSON.whole(result), as: UTF8.self))
        case .text(let answer): text(answer)
        case .binary(let bytes, let mediaType):
            ["image/jpeg", "image/png", "image/gif", "image/webp"].contains {
                $0.isByteEqual(to: mediaType)
            }
                ? image(bytes, mediaType)
                : text("The answer is \(bytes.count) bytes of another kind than text or image.")
        }
    }

    private static func image(_ bytes: [UInt8], _ mediaType: String) -> JSONValue {
        [
            "type": "image",
            "source": [
                "type": "base64", "media_type": .string(mediaType),
                "data": .string(Base64.encode(bytes)),
            ],
        ]
    }
}
