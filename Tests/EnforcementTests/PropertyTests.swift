import JSON

import TestSupport
import Testing

@testable import Enforcement

/// What must hold for every call, whatever it is and whatever fails.
@Suite struct PropertyTests {
    static let canary = "CANARY-7f3a91"
    static let email = ColumnPath("customers", "email")

    @Test func noCallOfTenThousandBreaksAPromise() async throws {
        var random = SplitMix(seed: 20_26_11_21)
        var endings: [String: Int] = [:]
        for number in 0..<10_000 {
            let call = try RandomCall(&random)
            let ending = try await call.check()
            endings[ending, default: 0] += 1
            if ending.hasPrefix("broken") { Issue.record("call \(number): \(ending)") }
        }
        // The invariants mean something only where every way of ending was gone.
        for code in [
            "ok", "scope.unknown_tool", "arguments.invalid", "deny.rule", "approval.unreachable",
            "backend.failed", "mask.failed", "record.unavailable",
        ] {
            #expect(endings[code, default: 0] > 20, "\(code): \(endings)")
        }
    }
}

private struct RandomCall {
    let tool: Tool
    let name: String
    let user: String
    let arguments: JSONObject
    let policy: Policy
    let sinkFailure: Int?
    let backendFails: Bool
    let isMisshapen: Bool

    init(_ random: inout SplitMix) throws {
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
        let isWrite = chance(50)
        let columns = [
            Column("id", .integer), Column("contact", from: PropertyTests.email),
            Column(["upper", "Phone-Number", "phone_number"].randomElement(using: &random) ?? ""),
        ]
        tool = try .sample(
            "orders", effect: isWrite ? .write : .read,
            input: ["type": "object", "properties": ["limit": ["type": "integer"]]],
            columns: columns, reads: chance(20) ? nil : [PropertyTests.email])
        name = chance(90) ? "orders" : "unknown"
        user = chance(90) ? "ada" : "eve"
        var arguments = JSONObject()
        for name in ["email", "E_Mail", "phoneNumber"] where chance(40) {
            arguments[name] =
                chance(50) ? .string(PropertyTests.canary) : [["x": .string(PropertyTests.canary)]]
        }
        if chance(30) {
            arguments["order"] = ["items": [["email": .string(PropertyTests.canary)]]]
        }
        if chance(10) { arguments["limit"] = "many" }
        if chance(10) { arguments["bad"] = true }
        if chance(10) { arguments["large"] = true }
        self.arguments = arguments
        let rules = [
            Rule.denying("bad", .fact(.argument("bad"), .present(true))),
            Rule(
                id: "large", effect: .approve, when: .fact(.argument("large"), .present(true)),
                reason: "large"),
        ]
        var masks = [
            MaskRule(
                id: "email", target: .column(backend: "shop", PropertyTests.email),
                strategy: .redact),
            MaskRule(id: "phone", target: .field("phone_number"), strategy: .redact),
        ]
        if chance(50) { masks.reverse() }
        policy = Policy(grants: GateFixture.grants, rules: rules, masks: masks)
        sinkFailure = chance(20) ? Int.random(in: 0..<2, using: &random) : nil
        backendFails = chance(15)
        isMisshapen = chance(10)
    }

    /// How the call ended, or which promise it broke.
    func check() async throws -> String {
        let failure = sinkFailure
        let fixture = try GateFixture(
            tools: [tool], policy: policy, sinkFails: { $0 == failure },
            backend: { [backendFails, isMisshapen] (_) throws(BackendError) in
                if backendFails {
                    throw BackendError(.failed, detail: "code 1")
                }
                let canary = PropertyTests.canary
                return isMisshapen ? .texts([canary]) : .texts(["1", canary, canary], changed: 1)
            })
        let outcome = try await fixture.call(name, arguments, as: user)
        return broken(outcome, fixture) ?? outcome.refusal?.code.rawValue ?? "ok"
    }

    private func broken(_ outcome: Outcome, _ fixture: GateFixture) -> String? {
        let entries = fixture.journal.entries
        let runs = entries.indices.filter { entries[$0].hasPrefix("run") }
        if runs.count > 1 { return "broken: ran twice" }
        if tool.effect == .write, let run = runs.first,
            !entries[..<run].contains("append intent")
        {
            return "broken: a write ran without its intent"
        }
        let early: Set<Refusal.Code> = [
            .unknownTool, .argumentsInvalid, .denied, .approvalUnreachable, .limitConcurrency,
        ]
        if let code = outcome.refusal?.code, early.contains(code), !runs.isEmpty {
            return "broken: refused and run"
        }
        let isClosed =
            entries.last?.hasPrefix("append") == true
            && entries.last?.hasSuffix("outcome") == true
        if outcome.refusal?.code != .recordUnavailable, !isClosed {
            return "broken: told what is not on record"
        }
        let shown = (outcome.text ?? "") + (outcome.refusal?.told ?? "")
        if shown.contains(PropertyTests.canary) { return "broken: shown to the caller" }
        if fixture.sink.text.contains(PropertyTests.canary) { return "broken: on record" }
        if fixture.sink.lines.count != fixture.sink.bodies.count { return "broken: no JSON" }
        return nil
    }
}
