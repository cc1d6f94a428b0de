import Backends
import JSON
import Synchronization
import TestSupport
import Testing

@testable import Enforcement
@testable import EventLoop
@testable import ToolServer

/// Places outside are told of requests, and what they say back.
@Suite struct NoticeTests {
    private let fixture: GateFixture

    init() throws {
        let rule = Rule(
            id: "refunds", effect: .approve, when: .always, reason: "money leaves",
            approval: ApprovalDemand(groups: ["finance"], hold: .zero))
        fixture = try GateFixture(
            tools: [.sample("refund", effect: .write, columns: [])],
            policy: Policy(grants: GateFixture.grants, rules: [rule]),
            backend: { _ in RawResult(rows: Rows(columnCount: 0), changed: 1) })
    }

    /// One request of `ada`.
    private func ask(_ mail: String = "ada@shop.example") async throws -> ApprovalRequest {
        _ = try await fixture.call(
            "refund", JSONObject(("mail", .string(mail)), ("note", "<!channel> `x`")))
        return try #require(try await fixture.desk.list(.pending).first)
    }

    // MARK: Out

    private final class Place: Sendable {
        let bodies = Mutex<[(id: Name, body: JSONValue)]>([])
        let isAway = Mutex(false)
    }

    private func teller(
        _ place: Place, _ shape: NoticeSettings.Shape = .json, on store: (any StateStore)? = nil
    ) -> NoticeTeller {
        let policy = Policy(
            masks: [MaskRule(id: "mail", target: .field("mail"), strategy: .redact)])
        return NoticeTeller(
            name: "desk", form: { message, _ in message.body(shape) },
            store: store ?? fixture.state,
            rules: { MaskRules(masks: ValueMasks(policy: policy), policy: policy) },
            now: { [clock = fixture.clock] in clock.now },
            deliver: { (body, id, _) async throws(DeliveryFailure) in
                if place.isAway.withLock({ $0 }) { throw DeliveryFailure(reason: "status 500") }
                let value = (try? JSONParser.parse(body)) ?? .null
                place.bodies.withLock { $0.append((id, value)) }
            })
    }

    @Test func aRequestIsToldOnceWithItsValuesMasked() async throws {
        let request = try await ask()
        let place = Place()
        var told: Set<Name> = []
        for _ in 0..<3 { _ = await teller(place).round(&told) }
        // Another process, which remembers nothing.
        var others: Set<Name> = []
        _ = await teller(place, on: fixture.state.process("other")).round(&others)
        let bodies = place.bodies.withLock { $0 }
        #expect(bodies.count == 1 && others == told)
        let body = try #require(bodies.first?.body)
        #expect(body["event"] == "approval.asked" && body["edit"] == 0)
        #expect(body["handle"] == .string(request.id.text))
        #expect(!body.text.contains("ada@shop.example"))
    }

    @Test(arguments: [NoticeSettings.Shape.slack, .teams])
    func chatsGetTheirShapeAndNoValuesEither(_ shape: NoticeSettings.Shape) async throws {
        let request = try await ask()
        let place = Place()
        var told: Set<Name> = []
        _ = await teller(place, shape).round(&told)
        let body = try #require(place.bodies.withLock { $0.first?.body })
        #expect(body.text.contains(request.id.text) && !body.text.contains("ada@shop.example"))
        if shape == .slack {
            #expect(body["blocks"]?.array?.count == 3 && !body.text.contains("<!channel>"))
        } else {
            let card = body["attachments"]?.array?.first?["content"]
            #expect(card?["type"] == "AdaptiveCard")
        }
    }

    /// A long text of the caller's hides nothing of what the call is.
    @Test func aLongReasonLeavesRoomForTheCall() async throws {
        let long = String(repeating: "because ", count: 2_000)
        _ = try await fixture.call(
            "refund", JSONObject(("reason", .string(long)), ("amount", 4711)))
        let place = Place()
        var told: Set<Name> = []
        _ = await teller(place, .slack).round(&told)
        let text = try #require(place.bodies.withLock { $0.first?.body.text })
        #expect(text.contains("refund, write on shop") && text.contains("rule"))
        #expect(text.utf8.count < 5_000)
    }

    @Test func aPlaceThatIsAwayIsToldLaterAndTheRequestStands() async throws {
        let request = try await ask()
        let place = Place()
        place.isAway.withLock { $0 = true }
        var told: Set<Name> = []
        let first = await teller(place).round(&told)
        #expect(first.failure == "status 500" && first.next == 2 && told.isEmpty)
        _ = try await fixture.desk.decide(
            request.id, .approve, by: try await fixture.caller("fin"))
        // Not before its time, and not once nobody can decide any more.
        place.isAway.withLock { $0 = false }
        _ = try await fixture.call("refund", JSONObject(("n", 2)))
        _ = await teller(place).round(&told)
        #expect(place.bodies.withLock { $0.count } == 1)
    }

    @Test func afterAFailureItIsTriedAgainLessAndLessOften() async throws {
        _ = try await ask()
        let place = Place()
        place.isAway.withLock { $0 = true }
        var told: Set<Name> = []
        var waits: [Int] = []
        for _ in 0..<10 {
            let next = await teller(place).round(&told).next
            waits.append(next)
            fixture.clock.advance(by: next)
        }
        #expect(waits.prefix(4) == [2, 4, 8, 16])
        place.isAway.withLock { $0 = false }
        fixture.clock.advance(by: NoticeDelivery.backoffMax)
        _ = await teller(place).round(&told)
        #expect(told.count == 1)
    }

    @Test func aChangedRequestIsToldAnew() async throws {
        let request = try await ask()
        let place = Place()
        var told: Set<Name> = []
        _ = await teller(place).round(&told)
        let edit = try await fixture.gate.edit(request, changing: JSONObject(("n", 1)))
        _ = try await fixture.desk.decide(
            request.id, .modify(edit), by: try await fixture.caller("fin"))
        _ = await teller(place).round(&told)
        let edits = place.bodies.withLock { $0.map { $0.body["edit"] } }
        #expect(edits == [0, 1])
    }

    // MARK: Back

    private static let key = Array("the secret of the desk".utf8)

    private var replies: ApprovalReplies { replies(under: Policy()) }

    private func replies(under policy: Policy) -> ApprovalReplies {
        func person(_ id: Name, _ subject: String, _ group: Name) -> NoticeSettings.Person {
            .init(id: id, caller: Caller(issuer: "i", subject: subject, groups: [group]))
        }
        let people = [
            person("U1", "fin", "finance"), person("U2", "ada", "finance"),
            person("U3", "sue", "support"),
        ]
        let place = ApprovalReplies.Place(
            people: people, secret: { String(decoding: Self.key, as: UTF8.self) })
        return ApprovalReplies(
            places: ["desk": place, "twin": place], store: fixture.state, sink: fixture.sink,
            masks: { ValueMasks(policy: policy) },
            now: { [clock = fixture.clock] in clock.now })
    }

    private func reply(
        _ handle: Name, as person: String = "U1", decision: String = "approve", edit: Int = 0,
        after seconds: Int = 0, key: [UInt8] = Self.key, to name: String = "desk",
        reason: String = "no",
        signing: ((Int, [UInt8]) -> String)? = nil
    ) -> HTTPRequest {
        var body = JSONObject(
            ("handle", .string(handle.text)), ("decision", .string(decision)),
            ("person", .string(person)), ("reason", .string(reason)))
        if edit > 0 { body["edit"] = .number(JSONNumber(edit)) }
        let bytes = JSONValue.object(body).bytes
        let moment = fixture.clock.now + seconds
        let signature =
            signing?(moment, bytes) ?? ApprovalReplies.signature(bytes, at: moment, key: key)
        return HTTPRequest(
            method: "POST", path: "/approvals/\(name)",
            headers: HTTPHeaders([
                ("toolserver-timestamp", "\(moment)"), ("toolserver-signature", signature),
            ]), body: bytes)
    }

    @Test func aSignedReplyDecidesOnceAndIsOnRecord() async throws {
        let request = try await ask()
        let said = reply(request.id)
        let answer = await replies.answer(said)
        #expect(answer.status == 200)
        #expect(try await fixture.desk.find(request.id.text).phase == .approved)
        #expect(await replies.answer(said).status == 404)
        let line = try #require(fixture.sink.lines.first { $0["event"] == "decision" })
        #expect(line["notice"] == "desk" && line["caller"]?["subject"] == "fin")
    }

    @Test(arguments: [false, true])
    func theReasonOfAReplyIsMaskedAsThePolicySays(_ keepsAddresses: Bool) async throws {
        let open = ValueRule(id: "open", selectors: [.kind(.email)], treatment: .keep)
        let replies = replies(under: Policy(values: keepsAddresses ? [open] : []))
        let request = try await ask()
        let said = reply(request.id, decision: "reject", reason: "ask ada@example.com")
        #expect(await replies.answer(said).status == 200)
        let line = try #require(fixture.sink.lines.last { $0["event"] == "decision" })
        let reason = try #require(line["reason"]?.string)
        #expect(reason.contains("ada@example.com") == keepsAddresses)
    }

    /// Two places may have one secret; what one has taken is no news to the other.
    @Test func aReplyIsGoodOnceWhereverItIsSent() async throws {
        let request = try await ask()
        #expect(await replies.answer(reply(request.id)).status == 200)
        #expect(await replies.answer(reply(request.id, to: "twin")).status == 404)
    }

    @Test func whatIsForgedOldOrNotTheirsIsUnknown() async throws {
        let request = try await ask()
        let told = { (moment: Int, body: [UInt8]) in
            WebhookDelivery.signature(body, at: moment, key: Self.key)
        }
        let wrong = [
            reply(request.id, key: Array("another".utf8)),
            reply(request.id, after: Int.min / 2), reply(request.id, after: -301),
            reply(request.id, after: 301),
            reply(request.id, signing: told), reply(request.id, signing: { _, _ in "v1=" }),
            reply(request.id, to: "other"), reply("apr_x"),
            reply(Name(String(request.id.text.dropLast()))),
            reply(request.id, as: "U2"), reply(request.id, as: "U3"), reply(request.id, as: "U9"),
        ]
        var answers: Set<[UInt8]> = []
        for request in wrong {
            let answer = await replies.answer(request)
            #expect(answer.status == 404)
            answers.insert(answer.body)
        }
        #expect(answers.count == 1)
        #expect(try await fixture.desk.find(request.id.text).votes.isEmpty)
    }

    @Test func aReplyAboutWhatWasChangedOrIsOverIsTold() async throws {
        let request = try await ask()
        let edit = try await fixture.gate.edit(request, changing: JSONObject(("n", 1)))
        _ = try await fixture.desk.decide(
            request.id, .modify(edit), by: try await fixture.caller("fio"))
        #expect(await replies.answer(reply(request.id)).status == 409)
        #expect(await replies.answer(reply(request.id, edit: 1)).status == 200)
        fixture.clock.advance(by: 9_999)
        #expect(await replies.answer(reply(request.id, edit: 1)).status == 409)
    }

    @Test func withoutItsStoreOrRecordAReplyDoesNotCount() async throws {
        let request = try await ask()
        fixture.state.fail(StateError(.unavailable, detail: ""))
        #expect(await replies.answer(reply(request.id)).status == 503)
        fixture.state.fail(nil)
        #expect(try await fixture.desk.find(request.id.text).phase == .pending)
    }
}
