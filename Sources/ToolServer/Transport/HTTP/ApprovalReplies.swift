// What does a place say that was told of a request?
//
//     POST /approvals/NOTICE    {"handle", "edit", "decision": "approve"|"reject", "reason", "person"}
//
// Signed with the notice's secret over the moment and the body, good for minutes and once, for one
// request and one person of the notice's list. What is forged, old, said before, about a request
// that is not there or by somebody who may not decide about it gets one answer: unknown.

import Enforcement
import EventLoop
import JSON

struct ApprovalReplies: Sendable {
    static let prefix = "/approvals/"
    static let bytesMax = 16 << 10
    /// How far the sender's clock may be off, and how long a reply may take.
    static let patience = 300

    struct Place: Sendable {
        let people: [NoticeSettings.Person]
        let secret: @Sendable () async -> String?
    }

    let places: [Name: Place]
    let store: any StateStore
    let sink: any RecordSink
    /// Of the rules that hold now, for the words of people.
    let masks: @Sendable () -> ValueMasks
    let now: @Sendable () -> Int

    private enum Fault: Error {
        case unknown
        case malformed(String)
        case objection(String)
        case unavailable
    }

    private struct Reply {
        let handle: String
        let edit: Int
        let decision: ApprovalDesk.Decision
        let person: NoticeSettings.Person
    }

    func owns(_ request: HTTPRequest) -> Bool {
        !places.isEmpty && request.path.utf8.starts(with: Self.prefix.utf8)
    }

    /// nil where the body is to be read.
    func answer(withoutBody request: HTTPRequest) -> HTTPResponse? {
        guard owns(request) else { return nil }
        guard request.method == "POST" else {
            return .text(405, "Send it by POST.", headers: [("Allow", "POST")])
        }
        let length = request.headers["content-length"].flatMap { Int($0) } ?? 0
        return length > Self.bytesMax ? .text(413, "A decision is not that long.") : nil
    }

    func answer(_ request: HTTPRequest) async -> HTTPResponse {
        if let answer = answer(withoutBody: request) { return answer }
        do throws(Fault) {
            let after = try await decided(request)
            return Self.said(200, "state", after.phase.rawValue)
        } catch {
            switch error {
            case .unknown: return Self.said(404, "error", "unknown")
            case .malformed(let told): return Self.said(400, "error", told)
            case .objection(let told): return Self.said(409, "error", told)
            case .unavailable: return Self.said(503, "error", "try again in some seconds")
            }
        }
    }

    private static func said(_ status: Int, _ name: String, _ text: String) -> HTTPResponse {
        .json(
            status, JSONValue.object(JSONObject(distinct: [(name, .string(text))])).bytes,
            headers: [("Cache-Control", "no-store")])
    }

    private func decided(_ request: HTTPRequest) async throws(Fault) -> ApprovalRequest {
        let name = Name(String(request.path.dropFirst(Self.prefix.count)))
        guard let place = places[name], request.body.count <= Self.bytesMax else {
            throw .unknown
        }
        try await authenticate(request, place)
        let reply = try Self.reply(request.body, place)
        let desk = ApprovalDesk(store: store, sink: sink, values: masks(), now: now)
        do throws(ApprovalObjection) {
            let found = try await desk.find(reply.handle)
            // By the whole handle: the beginning of one is for people who look at a list.
            guard found.id.text.isByteEqual(to: reply.handle) else { throw .unknown }
            let person = IdentifiedCaller.vouched(reply.person.caller)
            try await desk.check(found, for: reply.decision.kind, by: person, notice: name)
            return try await desk.decide(
                found.id, reply.decision, by: person, seeing: reply.edit, notice: name)
        } catch {
            switch error {
            case .unknown, .ambiguous, .ownCall, .agent, .group, .force: throw .unknown
            case .unusable: throw .unavailable
            default: throw .objection(error.told)
            }
        }
    }

    /// Spent once it is known to be genuine, whatever becomes of it then.
    private func authenticate(
        _ request: HTTPRequest, _ place: Place
    ) async throws(Fault) {
        guard let moment = request.headers["toolserver-timestamp"].flatMap({ Int($0) }),
            let signature = request.headers["toolserver-signature"],
            (now() - Self.patience...now() + Self.patience).contains(moment)
        else { throw .unknown }
        guard let secret = await place.secret() else { throw .unavailable }
        let expected = Self.signature(request.body, at: moment, key: Array(secret.utf8))
        guard constantTimeEqual(expected, signature) else { throw .unknown }
        // Not by the place: of two with one secret, the other would take it once more.
        let nonce = SHA256.digest("approval reply \(signature)")
        let isFirst: Bool
        do throws(StateError) {
            isFirst = try await store.spend(
                nonce.bytes, until: moment + 2 * Self.patience)
        } catch { throw .unavailable }
        guard isFirst else { throw .unknown }
    }

    /// Another than that of what is told: what we sent is never a reply.
    static func signature(_ body: [UInt8], at seconds: Int, key: [UInt8]) -> String {
        let signed = Array("reply.\(seconds).".utf8) + body
        return "v1=" + HMACSHA256.authenticate(signed, key: key).hex
    }

    private static func reply(_ body: [UInt8], _ place: Place) throws(Fault) -> Reply {
        guard let object = (try? JSONParser.parse(body))?.object,
            let handle = object["handle"]?.string, let person = object["person"]?.string
        else { throw .malformed("a reply is {handle, edit, decision, reason, person}") }
        guard let known = place.people.first(where: { $0.id == Name(person) }) else {
            throw .unknown
        }
        let decision: ApprovalDesk.Decision
        switch object["decision"]?.string {
        case "approve": decision = .approve
        case "reject": decision = .reject(reason: object["reason"]?.string ?? "")
        default: throw .malformed("`decision` is approve or reject")
        }
        return Reply(
            handle: handle, edit: object["edit"]?.int ?? 0, decision: decision, person: known)
    }
}
