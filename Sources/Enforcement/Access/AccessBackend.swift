// How is granted what was approved?
//
// The backend of `request_access`, and so reached as every backend is: by a cleared call, with the
// intent on record. It grants what the approvers left of the request, once for one approval. It
// must never grant what nobody approved, nor to anybody but who asked.

import JSON

package struct AccessBackend: Backend {
    private let tools: [Name: Tool]
    private let offers: [AccessOffer]
    /// Nil where nothing can be granted: for those who only ask what would be.
    private let means: (store: any StateStore, sink: any RecordSink)?
    private let now: @Sendable () -> Int

    package init(
        tools: [Tool], offers: [AccessOffer],
        means: (store: any StateStore, sink: any RecordSink)? = nil,
        now: @escaping @Sendable () -> Int = WallClock.seconds
    ) {
        self.tools = Dictionary(
            tools.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.offers = offers
        self.means = means
        self.now = now
    }

    package func examine(
        _ operation: Operation, effect: Tool.Effect
    ) throws(BackendError) -> Examination {
        guard case .access = operation else {
            throw BackendError(.invalid, detail: "no operation of this server itself")
        }
        return AccessTool.examination
    }

    package func columns() throws(BackendError) -> BackendColumns { BackendColumns(stored: []) }

    /// What each tool is, for the person who decides.
    package func examine(_ job: Job) async throws(BackendError) -> CallExamination {
        guard let terms = AccessTerms(job.arguments) else {
            throw BackendError(.argument, detail: "`tools` and `minutes` have another form")
        }
        let shown = terms.tools.map { name -> JSONValue in
            guard let tool = tools[name] else { return .string(name.text) }
            return .string("\(name): \(tool.effect.rawValue) on \(tool.backend), \(tool.title)")
        }
        return CallExamination(
            examination: AccessTool.examination,
            request: .access(
                JSONObject(
                    distinct: [
                        ("grants", .array(shown)),
                        ("seconds", .number(JSONNumber(terms.seconds))),
                    ])))
    }

    package func run(_ call: consuming ClearedCall) async throws(BackendError) -> RawResult {
        guard let means, let request = call.claim?.held.request, let terms = request.terms,
            let caller = call.job.identity, !request.votes.isEmpty
        else { throw BackendError(.failed, detail: "nobody has approved it") }
        let grant = grant(terms, by: request, to: caller)
        do throws(RecordError) {
            _ = try await means.sink.append([grant.recordLine(request.id)])
        } catch { throw BackendError(.unavailable, detail: "the record: \(error)") }
        let isStored: Bool
        do throws(StateError) {
            isStored = try await means.store.insert(grant.entry, most: AccessBook.perCallerMax)
        } catch {
            throw BackendError(
                error.reason == .busy ? .busy : .unavailable, detail: "state: \(error.detail)")
        }
        guard isStored else {
            throw BackendError(
                .rejected, detail: "you have \(AccessBook.perCallerMax) grants, the most allowed")
        }
        return RawResult(.document(grant.told(asked: AccessTerms(request.arguments), terms)))
    }

    private func grant(
        _ terms: AccessTerms, by request: ApprovalRequest, to caller: Caller
    ) -> AccessGrant {
        let from = now()
        let asked = request.needs.filter { need in offers.contains { $0.id == need.rule } }
        return AccessGrant(
            id: AccessGrant.id(of: request.id), caller: caller, tools: terms.tools,
            offers: asked.map(\.rule), from: from, until: from + terms.seconds,
            approvers: request.votes.map(\.person),
            deciders: request.needs.map { need in
                Grantees(
                    groups: need.groups(after: .max) + need.force, of: need.approvers.issuers)
            }, reason: request.reason)
    }
}

extension AccessGrant {
    fileprivate func told(asked: AccessTerms?, _ terms: AccessTerms) -> JSONValue {
        var told = JSONObject()
        told["grant"] = .string(id.text)
        told["tools"] = tools.json
        told["until"] = .string(WallClock.text(until))
        told["seconds"] = .number(JSONNumber(terms.seconds))
        if let asked, asked != terms {
            told["narrowed"] = "An approver granted less than was asked for. This is what counts."
        }
        told["next"] = "Call these tools now. Rules, limits and masks hold for them as for any."
        return .object(told)
    }

    /// On record before it holds.
    fileprivate func recordLine(_ approval: Name) -> [UInt8] {
        var writer = JSONWriter()
        writer.member("event", "grant")
        writer.member("v", RecordForm.version)
        writer.member("grant", id.text)
        writer.member("state", Phase.granted.rawValue)
        writer.member("approval", approval.text)
        writer.raw(caller.recordMembers)
        writer.member("tools", tools.json)
        writer.member("offers", offers.json)
        writer.member("approvers", .array(approvers.map(\.json)))
        writer.member("until", until)
        return writer.finish()
    }
}
