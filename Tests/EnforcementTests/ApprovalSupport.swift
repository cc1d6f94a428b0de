import JSON
import TestSupport
import Testing

@testable import Enforcement

/// Notes what a held call says.
final class Notices: CallNotice {
    let journal = Journal()
    func waits(_ message: String) { journal.note(message) }
    func goesOn() { journal.note("goes on") }
}

extension GateFixture {
    func refund(_ id: Int = 7, as user: String = "ada") async throws -> Outcome {
        try await call("refund", JSONObject(("id", .number(JSONNumber(id)))), as: user)
    }

    func resume(
        _ handle: Name, as user: String = "ada", edit: Int? = nil, on gate: Gate? = nil
    ) async throws -> Outcome {
        var arguments = JSONObject(("handle", .string(handle.text)))
        arguments["edit"] = edit.map { .number(JSONNumber($0)) }
        return await (gate ?? self.gate).answer(
            ArrivedCall(
                caller: try await caller(user), tool: "approval_result", arguments: arguments,
                via: Transport(kind: .http, address: "")))
    }

    /// Of the one request that can be decided.
    func handle() async throws -> Name {
        let open = try await desk.list().filter { $0.phase.isOpen }
        return try #require(open.first).id
    }

    func decide(
        _ decision: ApprovalDesk.Decision, as user: String = "fin", seeing edit: Int = 0
    ) async throws -> ApprovalRequest {
        try await desk.decide(
            try await handle(), decision, by: try await caller(user), seeing: edit)
    }

    /// The one request that can be decided, with these arguments in place of its own.
    func modify(
        _ members: JSONObject, as user: String = "fin", on gate: Gate? = nil, seeing edit: Int = 0
    ) async throws -> ApprovalRequest {
        let request = try await desk.find(try await handle().text)
        let changed = try await (gate ?? self.gate).edit(request, changing: members)
        return try await decide(.modify(changed), as: user, seeing: edit)
    }

    /// The first word of why a decision does not count; of the latest request.
    func objection(
        _ decision: ApprovalDesk.Decision, as user: String = "fin", seeing edit: Int = 0
    ) async -> String? {
        do {
            let request = try #require(try await desk.list().last)
            _ = try await desk.decide(
                request.id, decision, by: try await caller(user), seeing: edit)
            return nil
        } catch let error as ApprovalObjection {
            return "\(error)".split(separator: "(").first.map(String.init)
        } catch { return "\(error)" }
    }

    /// Another gate on the same store, as after a change of the manifests or the data.
    func restarted(
        version: String, examination: Examination? = nil, others: [Rule] = []
    ) throws -> Gate {
        let rule = Rule(
            id: "refunds", effect: .approve, when: .all([]), reason: "money leaves",
            approval: ApprovalDemand(groups: ["finance"], hold: .zero))
        let policy = Policy(grants: Self.grants, rules: [rule] + others)
        let tool = try Tool.sample(
            "refund", effect: .write,
            input: ["type": "object", "properties": ["id": ["type": "integer"]]],
            columns: [], examination: examination)
        return Gate(
            identity: IdentityStage(
                issuers: try mint.issuers, localUsers: Self.users, now: { [clock] in clock.now }),
            limits: LimitStage(callsMax: 100), tools: [tool], policy: policy,
            backend: ScriptedBackend(journal: journal) { _ in
                RawResult(rows: Rows(columnCount: 0), changed: 1)
            },
            sink: sink, approving: ApprovalMeans(store: state, version: version),
            now: { [clock] in clock.now })
    }
}

extension Examination {
    /// Of a statement that reads one column more than before.
    static let sample = Examination(
        columns: [], reads: [ColumnPath("payments", "state")], parameters: [], isReadOnly: false)
}

extension ApprovalRequest {
    static func sample(caller: Caller) -> ApprovalRequest {
        ApprovalRequest(
            id: "apr_1", caller: caller, tool: "refund", backend: "shop", effect: .write,
            arguments: JSONObject(), request: .null, touches: JSONObject(),
            needs: [
                Need(rule: "r", reason: "x", approvers: Grantees(groups: ["finance"]), count: 1)
            ],
            binding: Digest32(), created: 0, expires: 10, question: nil)
    }
}

extension GateTests {
    /// Every way in which a person's approval can be missing, by its code.
    static func refusalOfApproval(_ code: Refusal.Code) async throws -> Refusal? {
        let fixture = try ApprovalTests.made()
        switch code {
        case .approvalReason:
            var demand = ApprovalDemand(groups: ["finance"])
            demand.wantsReason = true
            return try await ApprovalTests.made(demand).refund().refusal
        case .approvalLimit:
            let mark = try await fixture.caller().caller.mark
            for number in 0..<ApprovalBook.perCallerMax {
                _ = try await fixture.state.insert(
                    StateEntry(
                        kind: .approval, id: Name("\(number)"), owner: mark, phase: "done",
                        expires: .max, body: []), most: .max)
            }
            return try await fixture.refund().refusal
        case .approvalTooLarge:
            let text = String(repeating: "x", count: ApprovalBook.bodyBytesMax)
            return try await fixture.call("refund", JSONObject(("note", .string(text)))).refusal
        case .approvalHandle: return try await fixture.resume("apr_x").refusal
        default: break
        }
        _ = try await fixture.refund()
        let handle = try await fixture.handle()
        switch code {
        case .approvalPending: return try await fixture.refund().refusal
        case .approvalModified:
            _ = try await fixture.modify(JSONObject(("id", 8)))
            return try await fixture.refund().refusal
        case .approvalRejected:
            _ = try await fixture.decide(.reject(reason: "no"))
        case .approvalExpired: fixture.clock.advance(by: 9_999)
        case .approvalOutdated:
            return try await fixture.resume(handle, on: fixture.restarted(version: "2")).refusal
        default:
            _ = try await fixture.decide(.approve)
            if code == .approvalOver {
                _ = try await fixture.refund()
            } else {
                var entry = try #require(try await fixture.state.entry(.approval, handle))
                entry.phase = code == .approvalUnknown ? "unknown" : "running"
                entry.holder = fixture.state.holder
                _ = try await fixture.state.replace(entry)
            }
        }
        return try await fixture.resume(handle).refusal
    }
}
