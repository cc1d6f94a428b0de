// Which rows would a held change meet?
//
// For the person who decides, when they look: nothing is kept. The change is taken apart by its
// backend, and the query that comes of it passes the stages of a caller's own statement as this
// person's: rules deny it to them, masks cover what they may not see and what would tell of it. In
// the database it runs as whose change it is, or it could meet other rows. What cannot be shown is
// said with its reason.

package import JSON

/// What a backend makes of an UPDATE or DELETE: queries of the rows that it would meet.
package struct ChangePreview: Sendable {
    /// More are not counted.
    package static let countedMax = 1_000

    package var rows: String
    package var count: String
    package var parameters: [JSONValue]

    package init(rows: String, count: String, parameters: [JSONValue]) {
        self.rows = rows
        self.count = count
        self.parameters = parameters
    }
}

/// As one person may see it.
package enum RowPreview: Sendable {
    static let limits = ToolLimits(rows: 20, bytes: 16 << 10, time: .seconds(1))

    /// `count` is nil where it could not be found out.
    case rows([JSONValue], count: Int?)
    case none(reason: String)

    package var json: JSONValue {
        switch self {
        case .none(let reason): return ["none": .string(reason)]
        case .rows(let rows, let count):
            var value = JSONObject()
            if let count {
                value["count"] = .number(JSONNumber(min(count, ChangePreview.countedMax)))
                if count > ChangePreview.countedMax { value["more"] = true }
            }
            value["rows"] = .array(rows)
            return .object(value)
        }
    }

    /// A subject a line.
    package var lines: [(name: String, text: String)] {
        switch self {
        case .none(let reason): return [("no preview", reason)]
        case .rows(let rows, let count):
            let all =
                switch count {
                case nil: "more rows than can be shown or counted"
                case let count? where count > ChangePreview.countedMax:
                    "more than \(ChangePreview.countedMax) rows"
                case 1?: "1 row"
                case let count?: "\(count) rows"
                }
            let shown = count == rows.count ? "" : "; the first \(rows.count):"
            return [("would meet", all + shown)] + rows.map { ("row", $0.text) }
        }
    }
}

extension ApprovalDemand {
    /// What approvers are shown of the data.
    package enum Preview: String, Sendable, CaseIterable { case rows }
}

extension ApprovalRequest {
    /// Whether a rule that holds the call asks for it, and it is not over.
    package func wantsPreview(under rules: [Rule]) -> Bool {
        guard phase == .pending || phase == .approved else { return false }
        return rules.contains { rule in
            rule.approval?.preview != nil && needs.contains { $0.rule == rule.id }
        }
    }
}

extension Rule {
    /// Whether a call of this tool, held by this rule, may have rows to show.
    package func mayPreview(_ tool: Tool) -> Bool {
        tool.effect == .write && tool.operation.isStatement
            && when.couldHold { Facts.known($0, of: tool) }
    }
}

/// One look of a person at a request.
struct PreviewLook: Sendable {
    private static let query: Name = "query of the preview"

    let request: ApprovalRequest
    let approver: IdentifiedCaller
    let via: Transport

    /// Nil where no rule that holds the call asks for a preview, or where it is over.
    init?(
        _ request: ApprovalRequest, by approver: IdentifiedCaller, via: Transport,
        under rules: [Rule]
    ) {
        guard request.wantsPreview(under: rules) else { return nil }
        self.request = request
        self.approver = approver
        self.via = via
    }

    var statement: (text: String, parameters: [JSONValue])? {
        guard let text = request.request["sql"]?.string, !text.utf8.isEmpty,
            let parameters = request.request["params"]?.array
        else { return nil }
        return (text, parameters)
    }

    /// The query as a tool whose statement its caller writes, under the name of the one that is
    /// held, so that rules about that tool hold here too.
    func tool(like held: Tool) -> Tool {
        Tool(
            name: held.name, title: held.title, description: held.description,
            backend: held.backend, scope: held.scope, effect: .read, tags: held.tags,
            inputSchema: held.inputSchema, input: held.input,
            operation: .freeSQL(FreeSQLOperation(argument: Self.query)), limits: RowPreview.limits,
            examination: .ofCallers(.read))
    }

    func call(_ query: String, _ parameters: [JSONValue]) -> ArrivedCall {
        // Rules about arguments hold for those of the change, as they did for its caller.
        var arguments = request.arguments
        arguments[Self.query.text] = .string(query)
        arguments[FreeSQLOperation.parameters.text] = .array(parameters)
        return ArrivedCall(
            caller: approver, tool: request.tool.text, arguments: arguments, via: via)
    }

    /// Rules that hold the change do not hold the look at it; others that hold such reads do.
    func check(_ screened: ScreenedCall) throws(Refusal) {
        let others = screened.holding.filter { rule in
            !request.needs.contains { $0.rule == rule.id }
        }
        guard others.isEmpty else { throw .approvalUnreachable(others) }
    }

    /// On record before anything is shown: who saw how many rows. Neither statement nor values,
    /// which are those of the request.
    func record(_ outcome: Outcome, to sink: any RecordSink) async throws(Refusal) {
        var writer = request.line("preview", by: approver)
        writer.member("backend", request.backend.text)
        switch outcome {
        case .answered(let result):
            writer.member("code", "ok")
            writer.member("rows", result.rows.rowCount)
            writer.member("masked", result.maskedCount)
            if !result.reveals.isEmpty { writer.member("revealedBy", result.reveals.json) }
        case .refused(let refusal):
            writer.member("code", refusal.code.rawValue)
            writer.member("rules", refusal.rules.json)
        }
        do throws(RecordError) { _ = try await sink.append([writer.finish()]) } catch {
            throw Refusal(error)
        }
    }
}

extension MaskedResult {
    /// Each row as an object.
    var rowValues: [JSONValue] {
        var writer = JSONWriter()
        RowsJSON(self, inString: false).write(into: &writer)
        let written = try? JSONParser.parse(writer.finish())
        return written?["rows"]?.array ?? []
    }
}
