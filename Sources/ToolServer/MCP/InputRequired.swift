import Enforcement
import JSON

/// A question to the caller, in the words of the protocol.
enum InputRequired {
    /// The answer to a call of the stateless era that asks first (2026-07-28, multi round-trip
    /// requests).
    static func result(_ question: Question, in serving: Serving) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("resultType", "input_required")
        writer.name("inputRequests")
        writer.beginObject()
        writer.name(Question.key)
        writer.beginObject()
        writer.member("method", "elicitation/create")
        writer.member("params", params(question, mode: "form"))
        writer.endObject()
        writer.endObject()
        if let state = question.state { writer.member("requestState", state) }
        serving.description.writeMeta(into: &writer)
        writer.endObject()
        return writer.finish()
    }

    /// The handshake era's request to the client. Its older revisions know no modes.
    static func request(_ question: Question, id: String) -> [UInt8] {
        JSONValue.object(
            JSONObject(distinct: [
                ("jsonrpc", "2.0"), ("id", .string(id)), ("method", "elicitation/create"),
                ("params", params(question)),
            ])
        ).bytes
    }

    private static func params(_ question: Question, mode: String? = nil) -> JSONValue {
        var params = JSONObject()
        if let mode { params["mode"] = .string(mode) }
        params["message"] = .string(question.message)
        params["requestedSchema"] = Question.form
        return .object(params)
    }

    /// What a call brings back of an earlier answer of ours.
    static func retry(of request: Request) throws(RPCError) -> CallerReach.Retry {
        var retry = CallerReach.Retry(showsForms: ClientCapabilities(of: request).showsForms)
        switch request.params["requestState"] {
        case nil: break
        case .string(let state): retry.state = state
        default:
            throw RPCError(
                .invalidParams, "`params.requestState` must be a string.", id: request.id)
        }
        switch request.params["inputResponses"] {
        case nil: break
        case .object(let responses): retry.responses = responses
        default:
            throw RPCError(
                .invalidParams, "`params.inputResponses` must be an object.", id: request.id)
        }
        return retry
    }
}
