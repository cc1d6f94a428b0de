import JSON
import TestSupport
import Testing

@testable import Enforcement

@Suite struct GateTests {
    static let idSchema: JSONValue = [
        "type": "object", "properties": ["id": ["type": "integer"]], "required": ["id"],
        "additionalProperties": false,
    ]

    /// A rule compares the whole text, a C library reads up to the zero.
    @Test func noArgumentMayHoldAZero() async throws {
        let arguments: [JSONObject] = [
            JSONObject(distinct: [("name", "admin\u{0}")]),
            JSONObject(distinct: [("a\u{0}", "x")]),
            JSONObject(distinct: [("list", [["deep": "\u{0}"]])]),
        ]
        for arguments in arguments {
            let fixture = try GateFixture()
            let refusal = try #require(try await fixture.call("orders", arguments).refusal)
            #expect(refusal.code == .argumentsInvalid)
            #expect(refusal.told.contains("U+0000"))
            #expect(fixture.journal.entries == ["append outcome"])
        }
    }

    @Test func anArgumentThatTheBackendCannotTakeIsTheCallersToCorrect() async throws {
        let fixture = try GateFixture(backend: { _ throws(BackendError) in
            throw BackendError(.argument, detail: "argument `id`: too large")
        })
        let refusal = try #require(try await fixture.call().refusal)
        #expect(refusal.code == .argumentsInvalid)
        #expect(refusal.told == "argument `id`: too large. Correct it and call again.")
    }

    // MARK: What is on record when

    @Test func aRefusedCallIsRecordedWithWhatItAskedFor() async throws {
        let fixture = try GateFixture(
            policy: Policy(
                grants: GateFixture.grants,
                rules: [
                    Rule(
                        id: "no", effect: .deny, when: .fact(.toolName, .oneOf(["*"])), reason: "r")
                ]))
        _ = try await fixture.call("orders", JSONObject(distinct: [("id", 7)]))
        let line = String(decoding: try #require(fixture.sink.bodies.last), as: UTF8.self)
        #expect(line.contains(#""arguments":{"id":7}"#))
        #expect(line.contains(#""address":"192.0.2.7""#))
        #expect(line.contains(#""statement":"select 1"#))
        #expect(line.contains(#""rules":["no"]"#))
    }

    @Test func aReadIsRecordedInOneAppendBeforeItsAnswer() async throws {
        let fixture = try GateFixture()
        let outcome = try await fixture.call()
        #expect(outcome.text == #"{"rows":[{"id":"1"}]}"#)
        #expect(fixture.journal.entries == ["run orders", "append intent+outcome"])
    }

    @Test func aWriteIsOnRecordBeforeItActsAndAgainBeforeItsAnswer() async throws {
        let fixture = try GateFixture(tools: [try .sample("refund", effect: .write)])
        let outcome = try await fixture.call("refund")
        #expect(outcome.result != nil)
        #expect(
            fixture.journal.entries == ["append intent", "run refund", "append outcome"])
    }

    @Test func aWriteThatCannotBeRecordedNeverActs() async throws {
        let fixture = try GateFixture(
            tools: [try .sample("refund", effect: .write)], sinkFails: { $0 == 0 })
        let refusal = try #require(try await fixture.call("refund").refusal)
        #expect(refusal.code == .recordUnavailable)
        #expect(refusal.retryAfterSeconds == 10)
        #expect(fixture.journal.entries == ["refuse intent", "append outcome"])
    }

    @Test func aReadThatCannotBeRecordedIsNotAnswered() async throws {
        let fixture = try GateFixture(
            sinkFails: { _ in true }, backend: { _ in .texts(["secret"]) })
        let outcome = try await fixture.call()
        #expect(outcome.refusal?.code == .recordUnavailable)
        #expect(outcome.text == nil)
        #expect(fixture.journal.entries == ["run orders", "refuse intent+outcome"])
        #expect(fixture.sink.bodies.isEmpty)
    }

    /// "Try again" would run it twice.
    @Test func aWriteWhoseOutcomeIsNotRecordedIsNotToBeRepeated() async throws {
        let fixture = try GateFixture(
            tools: [try .sample("refund", effect: .write)], sinkFails: { $0 == 1 })
        let refusal = try #require(try await fixture.call("refund").refusal)
        #expect(refusal.code == .recordUnavailable)
        #expect(refusal.retryAfterSeconds == nil)
        #expect(refusal.told.contains("may have been made"))
        #expect(!refusal.told.lowercased().contains("try again"))
        #expect(
            fixture.journal.entries == ["append intent", "run refund", "refuse outcome"])
    }

    @Test func aRefusalIsOnRecordWithItsRules() async throws {
        let rules = [Rule.denying("one", .fact(.toolName, .oneOf(["orders"])))]
        let fixture = try GateFixture(
            policy: Policy(grants: GateFixture.grants, rules: rules))
        _ = try await fixture.call()
        let line = try #require(fixture.sink.lines.first)
        #expect(fixture.sink.lines.count == 1)
        #expect(line["event"] == "outcome")
        #expect(line["code"] == "deny.rule")
        #expect(line["rules"] == ["one"])
        #expect(line["caller"]?["subject"] == "ada")
        #expect(line["tool"] == "orders")
        #expect(line["statement"] == "select 1 -- orders")
    }

    @Test func theOutcomeCountsWhatWasShownAndChanged() async throws {
        let masks = [MaskRule(id: "m", target: .field("mail"), strategy: .redact)]
        let fixture = try GateFixture(
            tools: [try .sample("t", effect: .write, columns: [Column("mail")])],
            policy: Policy(grants: GateFixture.grants, masks: masks),
            backend: { _ in .texts(["a"], ["b"], [nil], changed: 3) })
        _ = try await fixture.call("t")
        let outcome = try #require(fixture.sink.lines.last)
        #expect(outcome["rows"] == 3)
        #expect(outcome["changed"] == 3)
        #expect(outcome["masked"] == 2)
        #expect(outcome["call"] == fixture.sink.lines.first?["call"])
    }

    @Test func aCallsLinesBearItsTraceAndNoOtherCallsId() async throws {
        let fixture = try GateFixture()
        for _ in 0..<3 { _ = try await fixture.call() }
        let ids = Set(fixture.sink.lines.compactMap { $0["call"]?.string })
        #expect(ids.count == 3)
        #expect(fixture.sink.lines.count == 6)
        #expect(fixture.sink.lines[0]["address"] == "192.0.2.7")
        #expect(fixture.sink.lines[0]["via"] == "http")
    }

    /// Who has no answer yet can still fill the record with what he calls himself.
    @Test func whatAClientSaysOfItselfIsCutInTheRecord() async throws {
        let fixture = try GateFixture()
        let long = String(repeating: "x", count: 100_000)
        let caller = try await fixture.caller()
        for tool in ["orders", long] {
            _ = await fixture.gate.answer(
                ArrivedCall(
                    caller: caller, tool: tool, arguments: JSONObject(),
                    via: Transport(kind: .stdio, address: ""),
                    trace: Trace(traceparent: long, clientName: long, session: long, toolUse: long))
            )
        }
        #expect(fixture.sink.lines.count == 3)
        for body in fixture.sink.bodies { #expect(body.count < 2_000) }
    }

    // MARK: The order of the stages

    /// Each call has two faults; the earlier stage must be the one to speak.
    @Test func identityComesBeforeEverything() async throws {
        let fixture = try GateFixture(callsMax: 0)
        let caller = try await fixture.gate.identify(.bearer(fixture.mint.token()), at: "")
        fixture.clock.advance(by: 3_600)
        let outcome = await fixture.gate.answer(
            ArrivedCall(
                caller: caller, tool: "unknown", arguments: JSONObject(),
                via: Transport(kind: .stdio, address: "")))
        #expect(outcome.refusal?.code == .identityExpired)
    }

    @Test func theLimitComesBeforeTheScope() async throws {
        let fixture = try GateFixture(callsMax: 0)
        #expect(try await fixture.call("unknown").refusal?.code == .limitConcurrency)
    }

    @Test func theScopeComesBeforeTheArguments() async throws {
        let tool = try Tool.sample("secret", scope: "hr.read", input: Self.idSchema)
        let fixture = try GateFixture(tools: [tool])
        #expect(try await fixture.call("secret").refusal?.code == .unknownTool)
    }

    @Test func theArgumentsComeBeforeTheRules() async throws {
        let fixture = try GateFixture(
            tools: [try .sample(input: Self.idSchema)],
            policy: Policy(grants: GateFixture.grants, rules: [.denying("all", .all([]))]))
        #expect(try await fixture.call().refusal?.code == .argumentsInvalid)
        let valid = try await fixture.call("orders", JSONObject(("id", 1)))
        #expect(valid.refusal?.code == .denied)
    }

    @Test func denialComesBeforeApproval() async throws {
        let rules = [
            Rule(id: "hold", effect: .approve, when: .all([]), reason: "r"),
            Rule.denying("no", .all([])),
        ]
        let fixture = try GateFixture(
            policy: Policy(grants: GateFixture.grants, rules: rules))
        let refusal = try #require(try await fixture.call().refusal)
        #expect(refusal.code == .denied)
        #expect(refusal.rules == ["no"])
    }

    @Test func approvalComesBeforeTheIntentAndTheBackend() async throws {
        let rule = Rule(id: "hold", effect: .approve, when: .all([]), reason: "r")
        let fixture = try GateFixture(
            tools: [try .sample("refund", effect: .write)],
            policy: Policy(grants: GateFixture.grants, rules: [rule]))
        let refusal = try #require(try await fixture.call("refund").refusal)
        #expect(refusal.code == .approvalUnreachable)
        #expect(refusal.told.contains("hold"))
        #expect(fixture.journal.entries == ["append outcome"])
    }

    // MARK: Refusals

    /// Every way to be refused, by its code.
    static func refusal(_ code: Refusal.Code) async throws -> Refusal? {
        switch code {
        case .identityMissing, .identityInvalid, .identityUnknownUser, .identityExpired,
            .identityCertificate:
            let fixture = try GateFixture()
            let credential: Credential =
                switch code {
                case .identityMissing: .none
                case .identityInvalid: .bearer("x")
                case .identityExpired: .bearer(try fixture.mint.token { $0["exp"] = 1 })
                case .identityCertificate: .certificate(fixture.certificate("nobody"))
                default: .localUser("mallory")
                }
            do throws(Refusal) {
                _ = try await fixture.gate.identify(credential, at: "192.0.2.1")
                return nil
            } catch { return error }
        case .identityProof:
            let fixture = try GateFixture()
            let token = try fixture.mint.token()
            var showing = Showing()
            showing.scheme = .proof
            do throws(Refusal) {
                _ = try await fixture.gate.identify(
                    .bearer(token, shown: showing), at: "192.0.2.1")
                return nil
            } catch { return error }
        case .identityScope:
            let mint = try TokenMint()
            var rules = IssuerRules(issuer: TokenMint.issuer, audience: TokenMint.audience)
            rules.scopes = ["tools"]
            let issuers = TrustedIssuers([TokenVerifier(rules, keys: try mint.keys())])
            let token = try mint.token()
            do throws(Refusal) {
                _ = try await issuers.caller(of: token, now: mint.clock.now)
                return nil
            } catch { return error }
        case .identityUnavailable: return .issuerAway
        case .unknownTool: return try await GateFixture().call("no").refusal
        case .argumentsNotGranted:
            let small = Condition.fact(.argument("id"), .under(JSONNumber(1)))
            let grant = Grant(scopes: ["crm.read"], groups: ["support"], where: small)
            return try await GateFixture(policy: Policy(grants: [grant])).call().refusal
        case .accessNotGranted: return try await AccessFixture().call("refund").refusal
        case .accessNotOffered: return try await AccessFixture().ask(["salaries"]).refusal
        case .argumentsInvalid:
            return try await GateFixture(tools: [.sample(input: idSchema)]).call().refusal
        case .limitConcurrency: return try await GateFixture(callsMax: 0).call().refusal
        case .limitRule:
            let quota = Quota(.calls, most: 1, span: .sliding(60))
            let rule = Rule(
                id: "r", effect: .limit, when: .always, reason: "because", quota: quota)
            let fixture = try GateFixture(
                policy: Policy(grants: GateFixture.grants, rules: [rule]))
            _ = try await fixture.call()
            return try await fixture.call().refusal
        case .denied, .approvalUnreachable:
            let effect = code == .denied ? Rule.Effect.deny : .approve
            let rule = Rule(id: "r", effect: effect, when: .all([]), reason: "because")
            return try await GateFixture(policy: Policy(grants: GateFixture.grants, rules: [rule]))
                .call().refusal
        case .recordUnavailable:
            return try await GateFixture(sinkFails: { _ in true }).call().refusal
        case .statementRefused: return try await refusal(of: .refused, "DO is refused")
        case .statementInvalid: return try await refusal(of: .statement, "a syntax error")
        case .maskDeciding: return try await StatementRuleTests.maskDeciding()
        case .maskFailed:
            return try await GateFixture(backend: { _ in .texts(["1", "2"]) }).call().refusal
        case .backendBusy: return try await refusal(of: .busy)
        case .backendTimedOut: return try await refusal(of: .timedOut)
        case .backendUnavailable: return try await refusal(of: .unavailable)
        case .backendConstraint: return try await refusal(of: .constraint)
        case .backendResult: return try await refusal(of: .result)
        case .backendOutdated: return try await refusal(of: .outdated)
        case .backendFailed: return try await refusal(of: .failed)
        case .backendUnknown: return try await refusal(of: .unknown)
        case .backendNotFound: return try await refusal(of: .notFound)
        case .backendUnauthorized: return try await refusal(of: .unauthorized)
        // A status is told; there is nothing of the backend's words in it.
        case .backendRefused: return try await refusal(of: .rejected, "status 422")
        // Its detail is the manifest's own word and is told.
        case .identityIncomplete: return try await refusal(of: .identity, "the claim `tenant`")
        case .cancelled: return try await refusal(of: .cancelled)
        case .confirmationRequired, .confirmationState, .confirmationAnswer,
            .confirmationDeclined, .confirmationDismissed, .confirmationTimedOut,
            .confirmationUnreachable, .confirmationOutdated, .stateUnavailable:
            return try await refusalOfConfirmation(code)
        case .approvalPending, .approvalModified, .approvalRejected, .approvalExpired,
            .approvalOutdated,
            .approvalRunning, .approvalOver, .approvalUnknown, .approvalHandle, .approvalLimit,
            .approvalTooLarge, .approvalReason:
            return try await refusalOfApproval(code)
        case .taskUnsupported:
            return try await GateFixture(tools: [.sample(taskUse: .required)]).call().refusal
        case .taskLimit:
            return try await GateFixture(tools: [.sample(taskUse: .allowed)])
                .call(detachment: FullDesk()).refusal
        }
    }

    private static func refusal(
        of reason: BackendError.Reason, _ detail: String = "SQLITE_SECRET near \"canary\""
    ) async throws -> Refusal? {
        try await GateFixture(backend: { (_) throws(BackendError) in
            throw BackendError(reason, detail: detail)
        }).call().refusal
    }

    @Test(arguments: Refusal.Code.allCases)
    func everyCodeIsReachableAndTellsNothingOfTheDriver(_ code: Refusal.Code) async throws {
        let refusal = try #require(try await Self.refusal(code))
        #expect(refusal.code == code)
        #expect(!refusal.told.contains("SQLITE_SECRET"))
        #expect(!refusal.told.isEmpty)
    }

    @Test func whatTheDriverSaidIsOnRecordForTheOperator() async throws {
        let fixture = try GateFixture(backend: { (_) throws(BackendError) in
            throw BackendError(.failed, detail: "code 11")
        })
        _ = try await fixture.call()
        #expect(fixture.sink.lines.last?["noted"] == "code 11")
        #expect(fixture.journal.entries == ["run orders", "append intent+outcome"])
    }

    @Test func aCallOfACancelledTaskIsStillOnRecord() async throws {
        let fixture = try GateFixture(backend: { (_) throws(BackendError) in
            if Task.isCancelled { throw BackendError(.cancelled, detail: "stopped") }
            return .texts(["1"])
        })
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await fixture.call()
        }
        #expect(try await task.value.refusal?.code == .cancelled)
        #expect(fixture.sink.lines.last?["code"] == "call.cancelled")
    }

    // MARK: The limit

    @Test func aCallerCannotHaveMoreCallsUnderWayThanAllowedAndHoldsUpNobodyElse() async throws {
        let latch = Latch()
        let arrived = Latch()
        let fixture = try GateFixture(
            callsMax: 1,
            backend: { job in
                if job.arguments["wait"] != nil {
                    arrived.open()
                    await latch.wait()
                }
                return .texts(["1"])
            })
        async let first = fixture.call("orders", JSONObject(("wait", true)))
        await arrived.wait()
        #expect(try await fixture.call().refusal?.code == .limitConcurrency)
        #expect(try await fixture.call(as: "fay").result != nil)
        latch.open()
        #expect(try await first.result != nil)
        #expect(try await fixture.call().result != nil)
    }

    @Test(arguments: [
        "unknown", "invalid", "denied", "held", "busy", "misshapen", "unrecorded", "answered",
    ])
    func aCallGivesItsPlaceBackHoweverItEnds(_ way: String) async throws {
        let rules = [
            Rule.denying("d", .fact(.argument("way"), .oneOf(["denied"]))),
            Rule(
                id: "h", effect: .approve, when: .fact(.argument("way"), .oneOf(["held"])),
                reason: "r"),
        ]
        let schema: JSONValue = ["type": "object", "properties": ["way": ["maxLength": 9]]]
        let fixture = try GateFixture(
            tools: [try .sample(input: schema)],
            policy: Policy(grants: GateFixture.grants, rules: rules), callsMax: 1,
            sinkFails: { number in number == 0 && way == "unrecorded" },
            backend: { (job) throws(BackendError) in
                switch job.arguments["way"]?.string {
                case "busy": throw BackendError(.busy, detail: "")
                case "misshapen": return .texts(["1", "2"])
                default: return .texts(["1"])
                }
            })
        let tool = way == "unknown" ? "no" : "orders"
        let text = way == "invalid" ? "much too long" : way
        let first = try await fixture.call(tool, JSONObject(("way", .string(text))))
        #expect((first.result != nil) == (way == "answered"))
        #expect(try await fixture.call().result != nil)
    }
}

extension Rule {
    static func denying(_ id: Name, _ when: Condition, reason: String = "because") -> Rule {
        Rule(id: id, effect: .deny, when: when, reason: reason)
    }
}
