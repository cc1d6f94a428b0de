// How do people decide?
//
// Whoever shows requests to people (the command line, a console) does it through this: the same
// store as the calls that wait, the same record. A decision is on record before it counts, and it
// counts only for who is established: who may decide is the request's business alone.

package import JSON

package struct ApprovalDesk: Sendable {
    private let book: ApprovalBook
    private let sink: any RecordSink
    /// For the words of people, before they are on record.
    private let values: ValueMasks

    private static let builtIn = ValueMasks()

    package enum Decision: Sendable {
        case approve
        case reject(reason: String)
        /// Alone, against what the rules ask for.
        case force(reason: String)
        /// Other arguments, which somebody else has to approve.
        case modify(ApprovalEdit)

        /// As the record has it.
        package enum Kind: String, Sendable, CaseIterable { case approve, reject, force, modify }

        package var kind: Kind {
            switch self {
            case .approve: .approve
            case .reject: .reject
            case .force: .force
            case .modify: .modify
            }
        }
    }

    package init(
        store: any StateStore, sink: any RecordSink, values: ValueMasks? = nil,
        now: @escaping @Sendable () -> Int = WallClock.seconds
    ) {
        book = ApprovalBook(store: store, now: now)
        self.sink = sink
        self.values = values ?? Self.builtIn
    }

    /// The latest first; in one phase, or whatever their phase.
    package func list(
        _ phase: ApprovalRequest.Phase? = nil, most: Int = 1_000
    ) async throws(ApprovalObjection) -> [ApprovalRequest] {
        let name = phase.map { Name($0.rawValue) }
        do throws(Refusal) {
            let entries = try await book.stored { () async throws(StateError) in
                try await book.store.entries(.approval, in: name, most: most)
            }
            let found = try entries.map { (entry) throws(Refusal) in try book.seen(entry) }
            return found.filter { phase == nil || $0.phase == phase }
        } catch { throw .unusable(error) }
    }

    /// By its handle, or by a beginning of it that only one open request has.
    package func find(_ handle: String) async throws(ApprovalObjection) -> ApprovalRequest {
        do throws(Refusal) {
            if let held = try await book.find(Name(handle)) { return held.request }
        } catch { throw .unusable(error) }
        guard handle.utf8.count >= Self.prefixMin else { throw .unknown }
        let open = try await list(.pending) + list(.approved)
        let found = open.filter { $0.id.text.utf8.starts(with: handle.utf8) }
        guard found.count < 2 else { throw .ambiguous }
        guard let request = found.first else { throw .unknown }
        return request
    }

    private static let prefixMin = 8

    /// The request as it stands after the decision. `edit` is up to which change of the arguments
    /// they saw what they decide about; a no needs no such thing. `narrowing` is what a yes takes
    /// away from a request for access. `notice` is by whose reply.
    package func decide(
        _ id: Name, _ decision: Decision, by approver: IdentifiedCaller, seeing edit: Int = 0,
        narrowing: AccessTerms.Narrowing? = nil, notice: Name? = nil
    ) async throws(ApprovalObjection) -> ApprovalRequest {
        let person = approver.caller
        // Somebody else may decide at the same moment: then on what they left.
        for _ in 0..<8 {
            let held: ApprovalBook.Held?
            do throws(Refusal) { held = try await book.find(id) } catch { throw .unusable(error) }
            guard let held else { throw .unknown }
            var request = held.request
            try Self.check(decision, edit, request)
            do throws(ApprovalObjection) {
                switch decision {
                case .approve: try request.approve(person, now: book.now())
                case .reject(let why): try request.reject(person, reason: why, now: book.now())
                case .force(let why): try request.force(person, reason: why, now: book.now())
                case .modify(let edit): try request.modify(person, edit, now: book.now())
                }
            } catch {
                await note(error, against: decision.kind, request, by: approver, notice)
                throw error
            }
            if let narrowing { try request.narrow(narrowing) }
            do throws(Refusal) {
                try await record(decision, request, by: approver, notice)
                if try await book.replace(held, with: request) != nil { return request }
            } catch { throw .unusable(error) }
        }
        throw .raced
    }

    /// Whether they may decide about it at all; that they may not is on record.
    package func check(
        _ request: ApprovalRequest, for kind: Decision.Kind, by approver: IdentifiedCaller,
        notice: Name? = nil
    ) async throws(ApprovalObjection) {
        do throws(ApprovalObjection) { try request.check(approver.caller, now: book.now()) } catch {
            await note(error, against: kind, request, by: approver, notice)
            throw error
        }
    }

    /// Nothing comes of it, so it is refused also where it cannot be recorded.
    private func note(
        _ objection: ApprovalObjection, against kind: Decision.Kind, _ request: ApprovalRequest,
        by approver: IdentifiedCaller, _ notice: Name?
    ) async {
        guard let code = objection.code else { return }
        var writer = request.line("objection", by: approver)
        if let notice { writer.member("notice", notice.text) }
        writer.member("decision", kind.rawValue)
        writer.member("code", code)
        _ = try? await sink.append([writer.finish()])
    }

    private static func check(
        _ decision: Decision, _ edit: Int, _ request: ApprovalRequest
    ) throws(ApprovalObjection) {
        switch decision {
        case .approve, .force, .modify:
            guard request.edits.count == edit else { throw .changed(request.edits.count) }
        case .reject: break
        }
    }

    private func record(
        _ decision: Decision, _ request: ApprovalRequest, by approver: IdentifiedCaller,
        _ notice: Name?
    ) async throws(Refusal) {
        var writer = request.line("decision", by: approver)
        if let notice { writer.member("notice", notice.text) }
        writer.member("decision", decision.kind.rawValue)
        switch decision {
        case .approve: break
        case .reject(let reason), .force(let reason): writer.member("reason", masked(reason))
        case .modify(let edit):
            writer.member("edit", request.edits.count)
            writer.member("base", edit.base.hex)
            writer.raw(edit.recordMembers)
        }
        if let narrowed = request.narrowed { writer.member("narrowed", narrowed.json) }
        writer.member("binding", request.binding.hex)
        writer.member("phase", request.phase.rawValue)
        do throws(RecordError) { _ = try await sink.append([writer.finish()]) } catch {
            throw Refusal(error)
        }
    }

    private func masked(_ reason: String) -> String {
        var text = TextMask(values, wanted: values.wanted(for: nil))
        return text.masked(reason)
    }
}

extension ApprovalObjection {
    /// Of those that are about who they are; a mistake of who may decide is nobody's attempt.
    fileprivate var code: String? {
        switch self {
        case .ownCall: "objection.own_call"
        case .ownEdit: "objection.own_edit"
        case .agent: "objection.agent"
        case .group: "objection.group"
        case .force: "objection.force"
        default: nil
        }
    }

    /// For the person who decides.
    package var told: String {
        switch self {
        case .over(let phase): "the request is \(phase.rawValue) already; nothing was changed"
        case .ownCall:
            "nobody decides about their own call, nor about one that an agent makes for them; another person has to"
        case .agent: "only a person can decide, and this identity is an agent's"
        case .group(let groups):
            "only members of \(groups.map(\.text).joined(separator: ", ")) can decide about it, as an issuer names them that the rule means"
        case .force(let groups):
            groups.isEmpty
                ? "its rules let nobody force it"
                : "only members of \(groups.map(\.text).joined(separator: ", ")) can force it, of each rule's own"
        case .changed(let edit):
            "its arguments were changed meanwhile (change \(edit)): look at it again with show, and decide about that with --edit \(edit)"
        case .ownEdit: "you changed its arguments yourself; another person has to approve that"
        case .sameArguments: "these are its arguments already; nothing was changed"
        case .tooManyEdits:
            "it was changed \(ApprovalRequest.editsMax) times, the most allowed; reject it with a reason instead"
        case .notForAccess: "only requests for access can be shortened or narrowed"
        case .wider(let now): "an approver gives less and never more: \(now); nothing was decided"
        case .nothingLeft: "nothing would be left of it; reject it with a reason instead"
        case .onlyNarrower:
            "what is asked for for a while is not changed: approve less of it with --for and --tools, or reject it"
        case .unknownGrant: "there is no such grant, or it has ended"
        case .notTheirGrant(let groups):
            "only whose it is, for whom they act, and members of \(groups.map(\.text).joined(separator: ", ")) can end it"
        case .grantOver: "it was revoked already"
        case .again: "you have approved it already; it needs another person"
        case .reasonMissing: "a no needs a reason, which the caller is told; so does force"
        case .reasonLong: "the reason is longer than \(ApprovalRequest.reasonMax) bytes"
        case .unknown: "there is no such request"
        case .ambiguous: "several requests begin so; give more of the handle"
        case .raced: "others decide at this moment; look again"
        case .unusable(let refusal): refusal.noted ?? refusal.told
        }
    }
}
