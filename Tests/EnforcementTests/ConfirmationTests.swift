import JSON
import TestSupport
import Testing

@testable import Enforcement

@Suite struct ConfirmationTests {
    private static let accept: JSONValue = ["action": "accept", "content": ["confirm": true]]
    private let fixture: GateFixture

    init() throws { fixture = try Self.made() }

    private static func made(
        _ unasked: Enforcement.Confirmation.Unasked = .refuse, policy: Policy? = nil
    ) throws -> GateFixture {
        try GateFixture(
            tools: [
                try Tool.sample(
                    "pay", effect: .write,
                    input: ["type": "object", "properties": ["id": ["type": "integer"]]],
                    columns: [],
                    confirmation: Enforcement.Confirmation(question: "Pay?", unasked: unasked)),
                try Tool.sample("orders", columns: []),
            ], policy: policy ?? Policy(grants: GateFixture.grants),
            backend: { _ in RawResult(rows: Rows(columnCount: 0), changed: 1) })
    }

    private func retry(_ state: String? = nil, _ answer: JSONValue? = nil) -> CallerReach {
        var responses = JSONObject()
        if let answer { responses[Question.key] = answer }
        return .retry(CallerReach.Retry(showsForms: true, state: state, responses: responses))
    }

    private func pay(
        _ reach: CallerReach, id: Int = 7, as user: String = "ada"
    ) async throws -> Outcome {
        try await fixture.call(
            "pay", JSONObject(("id", .number(JSONNumber(id)))), as: user, reach: reach)
    }

    private func question() async throws -> Question {
        try #require(try await pay(retry()).refusal?.question)
    }

    private func state() async throws -> String { try #require(try await question().state) }

    private var ran: Bool { fixture.journal.entries.contains("run pay") }

    // MARK: Asked again

    @Test func theFirstCallIsAnsweredWithTheWholeQuestion() async throws {
        let refusal = try #require(try await pay(retry()).refusal)
        #expect(refusal.code == .confirmationRequired)
        let question = try #require(refusal.question)
        #expect(question.message == "Pay?\n\npay {\"id\":7}")
        #expect(question.state != nil)
        #expect(!ran)
        #expect(fixture.sink.lines.last?["code"] == "confirm.required")
        #expect(fixture.sink.lines.last?["noted"] == .string("question \(question.id)"))
    }

    @Test func aYesRunsTheCallOnceAndIsOnRecord() async throws {
        let question = try await question()
        let outcome = try await pay(retry(question.state, Self.accept))
        #expect(outcome.result?.changed == 1)
        #expect(
            fixture.journal.entries.suffix(3) == ["append intent", "run pay", "append outcome"])
        let intent = fixture.sink.lines.first { $0["event"] == "intent" }
        #expect(intent?["confirmed"] == .string(question.id))
        let again = try await pay(retry(question.state, Self.accept))
        #expect(again.refusal?.code == .confirmationState)
    }

    @Test func aNoIsANoAlsoWhenItIsSentAgainAsAYes() async throws {
        for (answer, code) in [
            (["action": "decline"], .confirmationDeclined),
            (["action": "cancel"], .confirmationDismissed),
            (["action": "accept", "content": ["confirm": false]], .confirmationDeclined),
        ] as [(JSONValue, Refusal.Code)] {
            let state = try await state()
            #expect(try await pay(retry(state, answer)).refusal?.code == code)
            #expect(try await pay(retry(state, Self.accept)).refusal?.code == .confirmationState)
        }
        #expect(!ran)
    }

    static let unreadable: [JSONValue] = [
        .null, true, "accept", [], [:], ["action": "Accept"], ["action": true],
        ["action": "accept"], ["action": "accept", "content": [:]],
        ["action": "accept", "content": ["confirm": "true"]],
        ["action": "accept", "content": ["confirm": 1]],
        ["action": "accept", "content": ["confirm": .null]],
        ["action": "accept", "content": ["Confirm": true]],
        ["action": "accept", "content": [["confirm": true]]],
    ]

    @Test(arguments: unreadable)
    func whatIsNoAnswerRunsNothingAndUsesNothingUp(_ answer: JSONValue) async throws {
        let state = try await state()
        #expect(try await pay(retry(state, answer)).refusal?.code == .confirmationAnswer)
        #expect(!ran)
        #expect(try await pay(retry(state, Self.accept)).result != nil)
    }

    @Test func moreThanTheFormAsksIsIgnored() async throws {
        let answer: JSONValue = [
            "action": "accept", "content": ["confirm": true, "note": "x"], "_meta": [:],
        ]
        #expect(try await pay(retry(try await state(), answer)).result != nil)
    }

    @Test func aStateWithoutItsAnswerIsAskedAgain() async throws {
        let state = try await state()
        let again = try #require(try await pay(retry(state)).refusal?.question)
        #expect(again.state != state)
        #expect(try await pay(retry(again.state, Self.accept)).result != nil)
        // An answer without the state that belongs to it is no answer.
        #expect(try await pay(retry(nil, Self.accept)).refusal?.code == .confirmationRequired)
    }

    /// One text for all, so that nobody learns what was wrong.
    @Test func foreignOldAndMadeUpStatesAreAllUnknown() async throws {
        let state = try await state()
        var told: Set<String> = []
        func refuse(_ outcome: Outcome) {
            #expect(outcome.refusal?.code == .confirmationState)
            told.insert(outcome.refusal?.told ?? "")
        }
        refuse(try await pay(retry("x", Self.accept)))
        refuse(try await pay(retry("x")))
        refuse(try await pay(retry(state, Self.accept), id: 8))
        refuse(try await pay(retry(state, Self.accept), as: "fay"))
        refuse(try await fixture.call("orders", reach: retry(state, Self.accept)))
        fixture.clock.advance(by: Enforcement.Confirmation.expiresStandard)
        refuse(try await pay(retry(state, Self.accept)))
        #expect(told.count == 1)
        #expect(!ran)
    }

    @Test func whatTheRulesForbidIsNotAskedAbout() async throws {
        let rule = Rule(
            id: "no", effect: .deny, when: .fact(.toolName, .oneOf(["pay"])), reason: "closed")
        let fixture = try Self.made(
            policy: Policy(grants: GateFixture.grants, rules: [rule]))
        let outcome = try await fixture.call("pay", reach: retry())
        #expect(outcome.refusal?.code == .denied)
        #expect(outcome.refusal?.question == nil)
    }

    @Test func withoutItsStoreNoAnswerCounts() async throws {
        let state = try await state()
        fixture.state.fail(StateError(.busy, detail: "d"))
        let refusal = try await pay(retry(state, Self.accept)).refusal
        #expect(refusal?.code == .stateUnavailable)
        #expect(refusal?.noted == "d")
        #expect(!ran)
        fixture.state.fail(nil)
        #expect(try await pay(retry(state, Self.accept)).result != nil)
    }

    // MARK: Who cannot be asked

    @Test func aClientThatShowsNoFormsIsRefusedAsTheManifestSays() async throws {
        let blind = CallerReach.retry(CallerReach.Retry(showsForms: false))
        for reach in [blind, .none] {
            let refusal = try await pay(reach).refusal
            #expect(refusal?.code == .confirmationUnreachable)
            #expect(refusal?.demands == nil)
        }
        let strict = try Self.made(.error)
        #expect(try await strict.call("pay", reach: blind).refusal?.demands == .elicitation)
        #expect(try await strict.call("pay", reach: .none).refusal?.demands == nil)
        #expect(!ran)
    }

    @Test func otherToolsAskNobody() async throws {
        let prompt = ScriptedPrompt(journal: fixture.journal) { _ in .failed }
        for reach in [.none, retry(), .stream(prompt)] as [CallerReach] {
            #expect(try await fixture.call("orders", reach: reach).refusal == nil)
        }
        #expect(!fixture.journal.entries.contains("ask"))
    }

    // MARK: Asked while the call waits

    private func pay(
        _ answer: @escaping ScriptedPrompt.Script
    ) async throws -> Outcome {
        try await pay(.stream(ScriptedPrompt(journal: fixture.journal, answer)))
    }

    @Test func theQuestionIsOnRecordBeforeItIsAsked() async throws {
        #expect(try await pay { _ in .result(Self.accept) }.result?.changed == 1)
        #expect(
            fixture.journal.entries == [
                "append asked", "ask", "append intent", "run pay", "append outcome",
            ])
        let lines = fixture.sink.lines
        #expect(lines[0]["question"] != nil && lines[0]["question"] == lines[1]["confirmed"])
        #expect(lines[0]["call"] == lines[2]["call"])
    }

    @Test func everyEndOfAQuestionHasItsCode() async throws {
        let ends: [(PromptOutcome, Refusal.Code)] = [
            (.result(["action": "decline"]), .confirmationDeclined),
            (.result(["action": "cancel"]), .confirmationDismissed),
            (.result(["action": "accept"]), .confirmationAnswer),
            (.result(.null), .confirmationAnswer),
            (.timedOut, .confirmationTimedOut), (.failed, .confirmationUnreachable),
            (.gone, .cancelled),
        ]
        for (end, code) in ends {
            #expect(try await pay { _ in end }.refusal?.code == code)
            #expect(fixture.sink.lines.last?["code"] == .string(code.rawValue))
        }
        #expect(!ran)
    }

    @Test func rulesThatChangedMeanwhileTakeTheYesAway() async throws {
        let gate = fixture.gate
        let outcome = try await pay { _ in
            gate.retire()
            return .result(Self.accept)
        }
        #expect(outcome.refusal?.code == .confirmationOutdated)
        #expect(!ran)
    }

    @Test func aCallerWhoseTokenEndedMeanwhileRunsNothing() async throws {
        let token = try fixture.mint.token()
        let caller = try await fixture.gate.identify(.bearer(token), at: "")
        let clock = fixture.clock
        let prompt = ScriptedPrompt { _ in
            clock.advance(by: 3_600)
            return .result(Self.accept)
        }
        let outcome = await fixture.gate.answer(
            ArrivedCall(
                caller: caller, tool: "pay", arguments: JSONObject(),
                via: Transport(kind: .http, address: ""), reach: .stream(prompt)))
        #expect(outcome.refusal?.code == .identityExpired)
        #expect(!ran)
    }

    @Test func nobodyIsAskedOffTheRecord() async throws {
        let fixture = try GateFixture(
            tools: [
                try Tool.sample("pay", confirmation: Enforcement.Confirmation(question: "Pay?"))
            ],
            sinkFails: { $0 == 0 })
        let prompt = ScriptedPrompt(journal: fixture.journal) { _ in .result(Self.accept) }
        let outcome = try await fixture.call("pay", reach: .stream(prompt))
        #expect(outcome.refusal?.code == .recordUnavailable)
        #expect(!fixture.journal.entries.contains("ask"))
    }

    @Test func nothingHidesInAQuestion() async throws {
        let fixture = try GateFixture(
            tools: [
                try Tool.sample("pay", confirmation: Enforcement.Confirmation(question: "Pay?"))
            ])
        let text = "a\u{202E}b\u{200B}c\u{E0041}d"
        let outcome = try await fixture.call(
            "pay", JSONObject(("to", .string(text))), reach: retry())
        #expect(
            outcome.refusal?.question?.message
                == "Pay?\n\npay {\"to\":\"a\\u{202e}b\\u{200b}c\\u{e0041}d\"}")
    }
}

extension GateTests {
    /// Every way in which asking the caller can end a call, by its code.
    static func refusalOfConfirmation(_ code: Refusal.Code) async throws -> Refusal? {
        let fixture = try GateFixture(
            tools: [.sample(confirmation: Enforcement.Confirmation(question: "Sure?"))])
        func ask(_ answer: PromptOutcome) async throws -> Refusal? {
            let gate = fixture.gate
            let prompt = ScriptedPrompt { _ in
                if code == .confirmationOutdated { gate.retire() }
                return answer
            }
            return try await fixture.call(reach: .stream(prompt)).refusal
        }
        func retry(_ state: String?) async throws -> Refusal? {
            let answers = JSONObject((Question.key, ["action": "decline"]))
            return try await fixture.call(
                reach: .retry(.init(showsForms: true, state: state, responses: answers))
            ).refusal
        }
        switch code {
        case .confirmationRequired: return try await retry(nil)
        case .confirmationState: return try await retry("x")
        case .confirmationAnswer: return try await ask(.result(["action": "accept"]))
        case .confirmationDeclined: return try await ask(.result(["action": "decline"]))
        case .confirmationDismissed: return try await ask(.result(["action": "cancel"]))
        case .confirmationTimedOut: return try await ask(.timedOut)
        case .confirmationOutdated:
            return try await ask(.result(["action": "accept", "content": ["confirm": true]]))
        case .stateUnavailable:
            let question = try await retry(nil)?.question
            fixture.state.fail(StateError(.busy, detail: "SQLITE_SECRET near \"canary\""))
            return try await retry(question?.state)
        default: return try await fixture.call().refusal
        }
    }

    struct FullDesk: Detachment {
        let id: Name = "t"

        let hasBegun = false

        func begin(_ tool: Tool) async throws(Refusal) { throw .tooManyTasks(most: 1) }
    }
}
