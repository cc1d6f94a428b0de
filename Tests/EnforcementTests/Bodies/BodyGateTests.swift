import JSON
import TestSupport
import Testing

@testable import Enforcement

/// Of which calls answers are kept, and what of them.
@Suite struct BodyGateTests {
    private static func keeping(
        _ change: (inout BodyKeeping.Rule) -> Void = { _ in }, bytes: Int = 1_000
    ) -> BodyKeeping {
        var rule = BodyKeeping.Rule(term: BodyTerm(days: 30, bytes: bytes))
        change(&rule)
        return BodyKeeping([rule])
    }

    @Test func whatIsKeptIsWhatWasTold() async throws {
        let fixture = try GateFixture(keeping: Self.keeping(), backend: { _ in .texts(["1"]) })
        let result = try #require(try await fixture.call().result)
        let answer = try #require(fixture.sink.answers.first)
        #expect(answer.bytes == AnswerJSON.whole(result))
        #expect(answer.days == 30)
        #expect(fixture.sink.lines.last?["call"]?.string == answer.call)
        #expect(fixture.sink.answers.count == 1)
    }

    @Test func nothingIsKeptThatWasMasked() async throws {
        let email = ColumnPath("customers", "email")
        let mask = MaskRule(
            id: "m", target: .column(backend: "shop", email), strategy: .redact)
        let fixture = try GateFixture(
            tools: [.sample(columns: [Column("email", from: email)], reads: [email])],
            policy: Policy(grants: GateFixture.grants, masks: [mask]), keeping: Self.keeping(),
            backend: { _ in .texts(["ada@canary.example"]) })
        _ = try await fixture.call()
        let bytes = try #require(fixture.sink.answers.first?.bytes)
        #expect(!String(decoding: bytes, as: UTF8.self).contains("canary"))
        #expect(String(decoding: bytes, as: UTF8.self).contains("[email]"))
    }

    @Test func answersOfOtherToolsAndRefusalsAreNotKept() async throws {
        let tools: [Tool] = [
            try .sample("orders", tags: ["money"]), try .sample("refund", effect: .write),
            try .sample("broken", tags: ["money"]),
        ]
        let fixture = try GateFixture(
            tools: tools, keeping: Self.keeping { $0.tag = "money" },
            backend: { job throws(BackendError) in
                guard job.tool.name != "broken" else { throw BackendError(.failed, detail: "") }
                return .texts(["1"], changed: job.tool.effect == .write ? 1 : nil)
            })
        for tool in ["refund", "orders", "broken"] { _ = try await fixture.call(tool) }
        _ = try await fixture.call("orders", as: "eve")
        #expect(fixture.sink.answers.count == 1)
        #expect(fixture.sink.lines.filter { $0["unkept"] != nil }.isEmpty)
    }

    @Test func rulesMeanAllThatTheySay() throws {
        let tool = try Tool.sample("orders_open", effect: .read, tags: ["money"])
        let fits: [(BodyKeeping.Rule) -> BodyKeeping.Rule] = [
            {
                var rule = $0; rule.tool = "orders_*"; return rule
            },
            {
                var rule = $0; rule.backend = "shop"; return rule
            },
            {
                var rule = $0; rule.effect = .read; rule.tag = "money"; return rule
            },
        ]
        let misses: [(BodyKeeping.Rule) -> BodyKeeping.Rule] = [
            {
                var rule = $0; rule.tool = "orders"; return rule
            },
            {
                var rule = $0; rule.backend = "sho"; return rule
            },
            {
                var rule = $0; rule.effect = .write; rule.tag = "money"; return rule
            },
        ]
        let base = BodyKeeping.Rule(term: BodyTerm(days: 1, bytes: 1))
        for change in fits { #expect(BodyKeeping([change(base)]).term(for: tool) != nil) }
        for change in misses { #expect(BodyKeeping([change(base)]).term(for: tool) == nil) }
        var first = base
        first.tag = "money"
        first.term = BodyTerm(days: 7, bytes: 1)
        #expect(BodyKeeping([first, base]).term(for: tool)?.days == 7)
    }

    @Test func whatIsLongerThanMayBeKeptIsToldAsSuch() async throws {
        for (letters, isKept) in [(60, true), (2_000, false)] {
            let text = String(repeating: "x", count: letters)
            let fixture = try GateFixture(
                keeping: Self.keeping(bytes: 200), backend: { _ in .texts([text]) })
            let outcome = try await fixture.call()
            #expect(outcome.result != nil)
            let answer = try #require(fixture.sink.answers.first)
            #expect((answer.bytes != nil) == isKept)
            #expect((fixture.sink.lines.last?["unkept"]?.string == "long") == !isKept)
        }
    }

    /// The length of what was masked does not count.
    @Test func aLongCellThatIsMaskedDoesNotKeepAnAnswerFromBeingKept() async throws {
        let note = ColumnPath("customers", "note")
        let mask = MaskRule(id: "m", target: .column(backend: "shop", note), strategy: .redact)
        let fixture = try GateFixture(
            tools: [.sample(columns: [Column("note", from: note)], reads: [note])],
            policy: Policy(grants: GateFixture.grants, masks: [mask]),
            keeping: Self.keeping(bytes: 200),
            backend: { _ in .texts([String(repeating: "x", count: 2_000)]) })
        _ = try await fixture.call()
        #expect(try #require(fixture.sink.answers.first).bytes != nil)
    }

    @Test func longTextsDocumentsAndBytesAreNotKept() async throws {
        let text = String(repeating: "x", count: 201)
        let contents: [ResultContent] = [
            .text(text), .document(["a": .string(text)]),
            .binary([UInt8](text.utf8), mediaType: "image/png"),
        ]
        for content in contents {
            let fixture = try GateFixture(
                keeping: Self.keeping(bytes: 200), backend: { _ in RawResult(content) })
            #expect(try await fixture.call().result != nil)
            #expect(try #require(fixture.sink.answers.first).bytes == nil)
        }
    }

    /// All forms that an answer can have.
    @Test func textsDocumentsAndBytesAreKeptAsJSON() async throws {
        let contents: [(ResultContent, String)] = [
            (.text("hello"), #"{"text":"hello"}"#),
            (.document(["a": [1, 2]]), #"{"a":[1,2]}"#),
            (
                .binary([1, 2, 3], mediaType: "image/png"),
                #"{"data":"AQID","mediaType":"image/png"}"#
            ),
        ]
        for (content, text) in contents {
            let fixture = try GateFixture(
                keeping: Self.keeping(), backend: { _ in RawResult(content) })
            _ = try await fixture.call()
            let bytes = try #require(fixture.sink.answers.first?.bytes)
            #expect(String(decoding: bytes, as: UTF8.self) == text)
        }
    }

    /// What cannot be kept is not shown.
    @Test func aRecordThatKeepsNoAnswersRefusesTheCall() async throws {
        let directory = AuditDirectory()
        let recorder = try directory.open()
        let fixture = try GateFixture()
        let gate = Gate(
            identity: IdentityStage(
                issuers: TrustedIssuers(), localUsers: GateFixture.users, now: { 0 }),
            limits: LimitStage(callsMax: 10), tools: [try .sample()],
            policy: Policy(grants: GateFixture.grants),
            backend: ScriptedBackend { _ in .texts(["1"]) }, sink: recorder,
            keeping: Self.keeping())
        let outcome = await gate.answer(
            ArrivedCall(
                caller: try await fixture.caller(), tool: "orders", arguments: JSONObject(),
                via: Transport(kind: .http, address: "")))
        #expect(outcome.refusal?.code == .recordUnavailable)
        recorder.close()
    }
}
