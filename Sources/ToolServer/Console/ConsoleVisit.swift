import Enforcement
import EventLoop
import JSON

/// One request of an identified person.
struct ConsoleVisit {
    /// Of one list. What is left out is said by `more`.
    static let requestsMax = 500
    static let bytesMax = 2 << 20
    /// How long a change can stay unnoticed whose bell was not heard.
    private static let lookInterval = Duration.seconds(2)

    let route: ConsoleRoute
    let person: IdentifiedCaller
    let via: Transport
    let console: ConsoleServing
    let desk: ConsoleDesk

    private var approvals: ApprovalDesk { desk.approvals(console.rules.masks) }

    func answer(to request: HTTPRequest) async -> HTTPResponse {
        do throws(ProblemDetails) {
            switch route {
            case .list(let query): return Self.said(try await list(query))
            case .show(let handle): return Self.said(try await whole(find(handle)).json.object)
            case .decide(let handle, let verb):
                let body = try Self.body(request.body)
                let said = try ConsoleDecision(body, verb)
                let decided = try await decide(find(handle, to: verb), verb, said)
                return Self.said(view(decided).json.object)
            }
        } catch {
            return error.response
        }
    }

    private static func said(_ object: JSONObject?) -> HTTPResponse {
        .json(
            200, JSONValue.object(object ?? JSONObject()).bytes,
            headers: [("Cache-Control", "no-store")])
    }

    private static func body(_ bytes: [UInt8]) throws(ProblemDetails) -> JSONObject {
        if bytes.isEmpty { return JSONObject() }
        guard let object = (try? JSONParser.parse(bytes))?.object else {
            throw ProblemDetails(400, "The body must be a JSON object.")
        }
        return object
    }

    // MARK: Looking

    private func view(_ request: ApprovalRequest) -> ApprovalView {
        ApprovalView(request, for: person.caller, console.rules)
    }

    /// With what became of others like it.
    private func whole(
        _ request: ApprovalRequest
    ) async throws(ProblemDetails) -> ApprovalView {
        do throws(ApprovalObjection) {
            let earlier = try await approvals.earlier(than: request, for: person.caller)
            return ApprovalView(
                request, for: person.caller, console.rules, earlier: earlier,
                preview: await console.serving.gate.preview(request, for: person, via: via))
        } catch { throw ProblemDetails(error) }
    }

    /// By the whole handle: the beginning of one is for people who type.
    private func find(
        _ handle: String, to verb: ConsoleRoute.Verb? = nil
    ) async throws(ProblemDetails) -> ApprovalRequest {
        let found: ApprovalRequest
        do throws(ApprovalObjection) { found = try await approvals.find(handle) } catch {
            throw ProblemDetails(error)
        }
        let isMeant = found.id.text.isByteEqual(to: handle)
        if isMeant, found.concerns(person.caller) { return found }
        if isMeant, let verb { try? await check(found, verb) }
        throw ProblemDetails(ApprovalObjection.unknown)
    }

    private func check(
        _ request: ApprovalRequest, _ verb: ConsoleRoute.Verb
    ) async throws(ApprovalObjection) {
        try await approvals.check(request, for: verb, by: person)
    }

    private func list(_ query: ConsoleQuery) async throws(ProblemDetails) -> JSONObject {
        let first = try await page(query)
        guard query.wait > 0, let mark = query.mark, first.mark.isByteEqual(to: mark) else {
            return first.json
        }
        guard desk.enter() else {
            throw ProblemDetails(
                429, "As many wait here as may. Ask without `wait`, or again in some seconds.",
                headers: [("Retry-After", "5")])
        }
        defer { desk.leave() }
        let end = ContinuousClock.now + .seconds(query.wait)
        while true {
            let left = end - ContinuousClock.now
            guard left > .zero, !desk.isEnding, !Task.isCancelled else { return first.json }
            await desk.change(min(left, Self.lookInterval))
            let page = try await page(query)
            if !page.mark.isByteEqual(to: mark) { return page.json }
        }
    }

    private struct Page {
        var requests: [JSONValue] = []
        var isCut = false
        var mark = ""

        var json: JSONObject {
            var json = JSONObject(distinct: [
                ("requests", .array(requests)), ("mark", .string(mark)),
            ])
            if isCut { json["more"] = true }
            return json
        }
    }

    /// The latest changed first.
    private func page(_ query: ConsoleQuery) async throws(ProblemDetails) -> Page {
        let all: [ApprovalRequest]
        do throws(ApprovalObjection) {
            all = try await approvals.list(query.isOfAll ? nil : .pending, most: 10_000)
        } catch { throw ProblemDetails(error) }
        let mine = all.filter { $0.concerns(person.caller) }
        var page = Page()
        var bytes = 0
        var digest = Array("console".utf8)
        for request in mine {
            let json = view(request).json
            let written = json.bytes
            bytes += written.count
            guard page.requests.count < Self.requestsMax, bytes <= Self.bytesMax else {
                page.isCut = true
                break
            }
            page.requests.append(json)
            digest = SHA256.digest(digest + written).bytes
        }
        page.mark = Base64URL.encode(Array(digest.prefix(18)))
        return page
    }

    // MARK: Deciding

    private func decide(
        _ request: ApprovalRequest, _ verb: ConsoleRoute.Verb, _ said: ConsoleDecision
    ) async throws(ProblemDetails) -> ApprovalRequest {
        let decision: ApprovalDesk.Decision
        do throws(ApprovalObjection) { try await check(request, verb) } catch {
            throw ProblemDetails(error)
        }
        switch verb {
        case .approve: decision = .approve
        case .reject: decision = .reject(reason: said.reason)
        case .force: decision = .force(reason: said.reason)
        case .modify:
            do throws(Refusal) {
                decision = .modify(
                    try await console.serving.gate.edit(request, changing: said.arguments))
            } catch { throw ProblemDetails(error, in: console.serving) }
        }
        do throws(ApprovalObjection) {
            return try await approvals.decide(
                request.id, decision, by: person, seeing: said.edit)
        } catch { throw ProblemDetails(error) }
    }
}

/// What the body of a decision says. Members that are not known are refused: whoever misspells
/// `edit` must not approve what they did not see.
struct ConsoleDecision {
    private(set) var edit = 0
    private(set) var reason = ""
    private(set) var arguments = JSONObject()

    init(_ body: JSONObject, _ verb: ConsoleRoute.Verb) throws(ProblemDetails) {
        for member in body.members {
            switch (Name(member.name), verb) {
            case ("edit", _):
                guard let edit = member.value.int, edit >= 0 else {
                    throw ProblemDetails(400, "`edit` is the number of the change that was seen.")
                }
                self.edit = edit
            case ("reason", .reject), ("reason", .force):
                guard let reason = member.value.string else {
                    throw ProblemDetails(400, "`reason` is a text.")
                }
                self.reason = reason
            case ("arguments", .modify):
                guard let arguments = member.value.object else {
                    throw ProblemDetails(
                        400, "`arguments` is an object of those that change; null takes one away.")
                }
                self.arguments = arguments
            default:
                throw ProblemDetails(400, "The body has a member that is not known here.")
            }
        }
    }
}

extension ProblemDetails {
    init(_ objection: ApprovalObjection) {
        let status =
            switch objection {
            case .unknown, .ambiguous, .unknownGrant: 404
            case .ownCall, .agent, .group, .force, .notTheirGrant: 403
            case .over, .changed, .again, .ownEdit, .sameArguments, .tooManyEdits, .raced,
                .grantOver:
                409
            case .reasonMissing, .reasonLong, .notForAccess, .wider, .nothingLeft, .onlyNarrower:
                422
            case .unusable: 503
            }
        self.init(status, objection.told)
    }
}
