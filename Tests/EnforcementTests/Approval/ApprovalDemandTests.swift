import JSON
import TestSupport
import Testing

@testable import Enforcement

/// What a rule may ask for besides people: a reason, others after a while, one alone in need.
@Suite struct ApprovalDemandTests {
    private static var demand: ApprovalDemand {
        var demand = ApprovalDemand(groups: ["finance"], count: 2, hold: .zero)
        demand.escalation = ApprovalDemand.Escalation(after: 600, groups: ["managers"])
        demand.force = ["oncall"]
        return demand
    }

    private func person(_ name: String, _ groups: Name..., issuer: String = "a") -> Caller {
        Caller(issuer: issuer, subject: name, groups: groups)
    }

    private func request(of issuers: Grantees.Issuers = .any) throws -> ApprovalRequest {
        let demand = Self.demand
        let need = ApprovalRequest.Need(
            rule: "r", reason: "x", approvers: Grantees(groups: demand.groups, of: issuers),
            count: demand.count, escalation: demand.escalation, force: demand.force)
        let request = ApprovalRequest(
            id: "apr_1", caller: person("ada"), tool: "refund", backend: "shop", effect: .write,
            arguments: JSONObject(), request: .null, touches: JSONObject(), needs: [need],
            binding: Digest32(), created: 0, expires: 1_800, question: nil)
        // As the store gives it back.
        let entry = StateEntry(
            kind: .approval, id: request.id, owner: Digest32(), phase: "pending", expires: 9_999,
            body: request.body)
        return try #require(ApprovalRequest(entry))
    }

    @Test func othersMayDecideFromTheirTimeOn() throws {
        var request = try request()
        let manager = person("mia", "managers")
        for now in [0, 599] {
            #expect(throws: ApprovalObjection.self) { try request.approve(manager, now: now) }
            #expect(throws: ApprovalObjection.self) {
                try request.reject(manager, reason: "no", now: now)
            }
        }
        try request.approve(person("fin", "finance"), now: 599)
        #expect(request.phase == .pending)
        try request.approve(manager, now: 600)
        #expect(request.phase == .approved)
    }

    @Test func aYesThatIsNeverOfAnotherIssuerStaysSoWhenItEscalates() throws {
        var request = try request(of: .of(["a"]))
        for group in ["managers", "oncall"] as [Name] {
            let stranger = person("mia", group, issuer: "b")
            #expect(throws: ApprovalObjection.self) { try request.approve(stranger, now: 700) }
            #expect(throws: ApprovalObjection.self) {
                try request.force(stranger, reason: "now", now: 700)
            }
        }
        #expect(request.votes.isEmpty)
    }

    @Test func oneAloneMayForceItWithAReasonAndNobodyElse() throws {
        var request = try request()
        let oncall = person("olga", "oncall")
        // In so many words, not by a plain yes; and never about their own call.
        #expect(throws: ApprovalObjection.self) { try request.approve(oncall, now: 1) }
        #expect(throws: ApprovalObjection.self) { try request.force(oncall, reason: " ", now: 1) }
        for other in [person("fin", "finance"), person("ada", "oncall"), person("eve")] {
            #expect(throws: ApprovalObjection.self) {
                try request.force(other, reason: "outage", now: 1)
            }
        }
        #expect(request.phase == .pending && request.votes.isEmpty)
        try request.force(oncall, reason: "outage", now: 1)
        #expect(request.phase == .approved && request.isForced)
        #expect(request.votes.map(\.forced) == ["outage"])
    }

    @Test func whoForcesMustBeNamedByEveryRuleThatIsNotSatisfied() throws {
        let first = try request()
        let other = ApprovalRequest.Need(
            rule: "s", reason: "y", approvers: Grantees(groups: ["fraud"]), count: 1)
        var request = ApprovalRequest(
            id: "apr_1", caller: first.caller, tool: "refund", backend: "shop", effect: .write,
            arguments: JSONObject(), request: .null, touches: JSONObject(),
            needs: first.needs + [other], binding: Digest32(), created: 0, expires: 10,
            question: nil)
        let oncall = person("olga", "oncall")
        #expect(throws: ApprovalObjection.self) {
            try request.force(oncall, reason: "outage", now: 1)
        }
        #expect(request.votes.isEmpty)
        try request.approve(person("fay", "fraud"), now: 1)
        try request.force(oncall, reason: "outage", now: 1)
        #expect(request.phase == .approved)
    }

    @Test func whatWasForcedIsOnRecordTwice() async throws {
        var demand = Self.demand
        demand.force = ["finance"]
        let fixture = try ApprovalTests.made(demand)
        _ = try await fixture.refund()
        let reason = "outage, says jane@example.com"
        #expect(try await fixture.decide(.force(reason: reason)).phase == .approved)
        #expect(try await fixture.refund().result?.changed == 1)
        let lines = fixture.sink.lines
        let decision = lines.first { $0["event"] == "decision" }
        #expect(decision?["decision"] == "force")
        #expect(decision?["reason"] == "outage, says [email]")
        #expect(lines.contains { $0["event"] == "intent" && $0["forced"] == true })
    }

    @Test func whereAReasonIsWantedTheCallSaysItAndThePersonSeesIt() async throws {
        var demand = Self.demand
        demand.wantsReason = true
        let fixture = try ApprovalTests.made(demand)
        for reason in [nil, "", " \t"] as [String?] {
            var arguments = JSONObject()
            arguments["reason"] = reason.map { .string($0) }
            let refusal = try await fixture.call("refund", arguments).refusal
            #expect(refusal?.code == .approvalReason)
            #expect(refusal?.told.contains("`reason`") == true)
        }
        #expect(try await fixture.desk.list().isEmpty)
        let beside = await fixture.gate.answer(
            ArrivedCall(
                caller: try await fixture.caller(), tool: "refund", arguments: JSONObject(),
                via: Transport(kind: .http, address: ""), trace: Trace(reason: "double charge")))
        #expect(beside.refusal?.code == .approvalPending)
        #expect(try await fixture.desk.list().first?.reason == "double charge")
    }
}
