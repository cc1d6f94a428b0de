import Enforcement
import JSON

/// `tools/call`: a call for the gate, and its outcome as the protocol has it.
enum ToolsCall {
    /// Larger answers are made in pieces.
    private static let pieceBytes = 128 << 10

    static func answer(
        _ request: Request, from peer: Peer, in serving: Serving
    ) async throws(RPCError) -> [[UInt8]] {
        let tool = try tool(of: request)
        let progress = peer.channel.map { Progress(of: request, to: $0) }
        defer { progress?.end() }
        if let tasks = serving.tasks, peer.version.isStateless, serving.gate.mayDetach(tool),
            ClientCapabilities(of: request).followsTasks
        {
            let answer = try await tasks.answer(to: request, from: peer, in: serving) {
                seat throws(RPCError) -> ArrivedCall in
                try Self.arrived(tool, request, from: peer, telling: progress, as: seat)
            }
            return [answer]
        }
        let arrived = try arrived(tool, request, from: peer, telling: progress)
        return try finished(
            await serving.gate.answer(arrived), to: request.id, for: peer, in: serving)
    }

    /// The outcome of a call as its client reads it, in one piece or several.
    static func finished(
        _ outcome: Outcome, to id: RequestID, for peer: Peer, in serving: Serving
    ) throws(RPCError) -> [[UInt8]] {
        switch outcome {
        case .answered(let result): return self.result(result, for: peer, in: serving)
        case .refused(let refusal):
            if let question = refusal.question, question.state != nil {
                return [InputRequired.result(question, in: serving)]
            }
            if let error = RPCError(refusal, id: id, for: peer.version) { throw error }
            return [self.refusal(refusal, for: peer, in: serving)]
        }
    }

    private static func tool(of request: Request) throws(RPCError) -> String {
        guard let tool = request.params["name"]?.string else {
            throw RPCError(.invalidParams, "`params.name` must be a string.", id: request.id)
        }
        return tool
    }

    private static func arrived(
        _ tool: String, _ request: Request, from peer: Peer, telling progress: Progress?,
        as seat: (any Detachment)? = nil
    ) throws(RPCError) -> ArrivedCall {
        let arguments: JSONObject
        switch request.params["arguments"] {
        case nil: arguments = JSONObject()
        case .object(let object): arguments = object
        default:
            throw RPCError(
                .invalidParams, "`params.arguments` must be an object.", id: request.id)
        }
        return ArrivedCall(
            of: tool, arguments, by: request, from: peer, reach: try reach(request, from: peer),
            detachment: seat, notice: progress)
    }

    /// How this call's caller can be asked something.
    private static func reach(
        _ request: Request, from peer: Peer
    ) throws(RPCError) -> CallerReach {
        if peer.version.isStateless { return .retry(try InputRequired.retry(of: request)) }
        return peer.prompt.map { .stream($0) } ?? .none
    }

    /// The same data twice: as text for every client, and structured. Claude Code shows the
    /// model only the structured form where there is one, others only the text.
    private static func result(
        _ result: MaskedResult, for peer: Peer, in serving: Serving
    ) -> [[UInt8]] {
        guard let answer = AnswerJSON(result) else {
            return [block(result, for: peer, in: serving)]
        }
        // Room for the reply around it, so that it need not be copied for that.
        var writer = JSONWriter(
            reserving: 512 + answer.bytesExpected, inPiecesOf: pieceBytes)
        writer.beginObject()
        writer.name("content")
        writer.beginArray()
        writer.beginObject()
        writer.member("type", "text")
        writer.name("text")
        answer.writeText(into: &writer)
        writer.endObject()
        writer.endArray()
        if peer.version.hasStructuredContent {
            writer.name("structuredContent")
            answer.write(into: &writer)
        }
        close(&writer, isError: false, result.evidence, for: peer, in: serving)
        return writer.finishInPieces()
    }

    /// What is no document has no structured form.
    private static func block(
        _ result: MaskedResult, for peer: Peer, in serving: Serving
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("content", [ContentBlock.json(result.content)])
        close(&writer, isError: false, result.evidence, for: peer, in: serving)
        return writer.finish()
    }

    /// Text alone: with `isError` Claude's clients drop structured content.
    private static func refusal(
        _ refusal: Refusal, for peer: Peer, in serving: Serving
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member(
            "content",
            [["type": "text", "text": .string("\(refusal.told)\ncode: \(refusal.code.rawValue)")]])
        close(&writer, isError: true, refusal.evidence, for: peer, in: serving)
        return writer.finish()
    }

    private static func close(
        _ writer: inout JSONWriter, isError: Bool, _ receipt: RecordEvidence?, for peer: Peer,
        in serving: Serving
    ) {
        writer.member("isError", isError)
        if peer.version.isStateless {
            writer.member("resultType", "complete")
            serving.description.writeMeta(into: &writer, with: receipt)
        } else if let receipt {
            writer.member("_meta", .object(JSONObject(distinct: [receipt.member])))
        }
        writer.endObject()
    }
}

extension RecordEvidence {
    /// As an answer's `_meta` holds it.
    var member: JSONObject.Member {
        (
            "toolserver/receipt",
            [
                "seq": .number(JSONNumber(sequence)), "leaf": .string(leaf),
                "checkpoint": .string(checkpoint),
            ]
        )
    }
}

extension ArrivedCall {
    /// A call that a request makes, or that answering it takes.
    convenience init(
        of tool: String, _ arguments: JSONObject, by request: Request, from peer: Peer,
        reach: CallerReach = .none, detachment: (any Detachment)? = nil,
        notice: (any CallNotice)? = nil
    ) {
        let meta = request.meta
        let trace = Trace(
            traceparent: meta?["traceparent"]?.string ?? peer.traceparent,
            clientName: meta?[Envelope.clientKey]?["name"]?.string, session: peer.session,
            toolUse: meta?[Self.toolUseKey]?.string, reason: meta?[Self.reasonKey]?.string)
        self.init(
            caller: peer.caller, tool: tool, arguments: arguments, via: peer.via, trace: trace,
            reach: reach, detachment: detachment, notice: notice)
    }

    /// The model's own name of this use of a tool, as Claude Code sends it.
    private static let toolUseKey = "claudecode/toolUseId"
    /// Why the caller makes the call, for the record.
    private static let reasonKey = "toolserver/reason"
}

extension RPCError {
    /// The few refusals that are the protocol's business; nil for what the model should read.
    init?(_ refusal: Refusal, id: RequestID, for version: ProtocolVersion) {
        if version.isStateless, let demands = refusal.demands {
            self.init(.missingCapability, refusal.told, id: id)
            data = [
                "requiredCapabilities": demands.capabilities,
                "code": .string(refusal.code.rawValue),
            ]
            return
        }
        switch refusal.code {
        case .unknownTool, .confirmationState: self.init(.invalidParams, refusal.told, id: id)
        case .confirmationAnswer where version.isStateless:
            self.init(.invalidParams, refusal.told, id: id)
        case .recordUnavailable:
            self.init(.internal, refusal.told, id: id)
            retryAfterSeconds = refusal.retryAfterSeconds
        case .identityMissing, .identityInvalid, .identityExpired, .identityUnknownUser,
            .identityCertificate:
            self.init(.internal, refusal.told, id: id)
            isUnauthenticated = true
        default: return nil
        }
        data = ["code": .string(refusal.code.rawValue)]
    }
}

extension Refusal.Demand {
    /// As a client would declare it.
    var capabilities: JSONValue {
        switch self {
        case .elicitation: ["elicitation": [:]]
        case .tasks:
            [
                "extensions": .object(
                    JSONObject(distinct: [(ClientCapabilities.tasksExtension, [:])]))
            ]
        }
    }
}
