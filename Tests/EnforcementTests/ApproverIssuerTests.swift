import JSON
import Testing

@testable import Enforcement

/// Whose members of a group may approve: a group of another issuer is another group.
@Suite struct ApproverIssuerTests {
    private func request(_ needs: ApprovalRequest.Need...) -> ApprovalRequest {
        let caller = Caller(issuer: "https://a.example", subject: "ada", groups: ["support"])
        return ApprovalRequest(
            id: "apr_1", caller: caller, tool: "refund", backend: "shop", effect: .write,
            arguments: JSONObject(), request: .null, touches: JSONObject(), needs: needs,
            binding: Digest32(), created: 0, expires: 10, question: nil)
    }

    private func need(
        _ rule: Name, of issuers: Grantees.Issuers, count: Int = 1
    ) -> ApprovalRequest.Need {
        ApprovalRequest.Need(
            rule: rule, reason: "x", approvers: Grantees(groups: ["finance"], of: issuers),
            count: count)
    }

    private func member(_ subject: String, of issuer: String) -> Caller {
        Caller(issuer: issuer, subject: subject, groups: ["finance"])
    }

    @Test func aGroupOfTheWrongIssuerCannotApprove() throws {
        var request = request(need("r", of: .of(["https://a.example"])))
        #expect(throws: ApprovalObjection.self) {
            try request.approve(self.member("bo", of: "https://b.example"), now: 1)
        }
        #expect(throws: ApprovalObjection.self) {
            try request.reject(self.member("bo", of: "https://b.example"), reason: "no", now: 1)
        }
        #expect(request.votes.isEmpty && request.phase == .pending)
        try request.approve(member("bo", of: "https://a.example"), now: 1)
        #expect(request.phase == .approved)
    }

    @Test func aYesCountsForTheRulesThatMeanItsIssuerAlone() throws {
        var request = request(
            need("a", of: .of(["https://a.example"])), need("b", of: .of(["https://b.example"])))
        try request.approve(member("bo", of: "https://b.example"), now: 1)
        #expect(request.open.map(\.rule) == ["a"])
        try request.approve(member("cy", of: "https://a.example"), now: 1)
        #expect(request.phase == .approved)
    }

    @Test func whoMayApproveIsKeptWithTheRequest() throws {
        let made = request(need("a", of: .any), need("b", of: .of(["https://b.example"])))
        let entry = StateEntry(
            kind: .approval, id: "apr_1", owner: Digest32(), phase: "pending", expires: 10,
            body: made.body)
        let read = try #require(ApprovalRequest(entry))
        #expect(read.needs.map(\.approvers.issuers) == [.any, .of(["https://b.example"])])
        // One that does not say whose is read by nobody.
        let text = String(decoding: made.body, as: UTF8.self)
        var damaged = entry
        damaged.body = Array(text.replacingFirst("\"issuers\":\"any\",", with: "").utf8)
        #expect(damaged.body.count < entry.body.count)
        #expect(ApprovalRequest(damaged) == nil)
    }
}
