import Enforcement
import JSON

/// A request as one approver may see it: whole, with the values covered that are masked for their
/// own groups.
struct ApprovalView {
    private let request: ApprovalRequest
    private let arguments: JSONValue
    private let sent: JSONValue
    private let reason: String?
    /// What whoever said no told the caller.
    private let told: String?
    /// Of each vote, where it was forced.
    private let forced: [String?]
    private let changes: [String]
    private let earlier: [ApprovalView]
    private let preview: RowPreview?

    /// `earlier`: what became of others like it. `preview` is as this viewer may see it.
    init(
        _ request: ApprovalRequest, for viewer: Caller, _ rules: MaskRules,
        earlier: [ApprovalRequest] = [], preview: RowPreview? = nil
    ) {
        self.request = request
        self.preview = preview
        self.earlier = earlier.map { ApprovalView($0, for: viewer, rules) }
        var mask = DocumentMask(rules.masks, rules.policy.byName(for: viewer), for: viewer)
        arguments = mask.masked(.object(request.arguments))
        reason =
            arguments["reason"]?.string
            ?? request.reason.flatMap { mask.masked(.string($0)).string }
        told = request.end?.reason.flatMap { mask.masked(.string($0)).string }
        forced = request.votes.map { vote in
            vote.forced.flatMap { mask.masked(.string($0)).string }
        }
        changes = request.changeLines(&mask)
        var known: [(raw: JSONValue, shown: JSONValue)] = []
        Self.collect(.object(request.arguments), arguments, into: &known)
        var sent = JSONObject()
        for member in request.request.object?.members ?? [] {
            sent[member.name] =
                if let values = member.value.array {
                    // Parameters have no names; what is known of them are the arguments they are.
                    .array(
                        values.map { value in
                            known.first { $0.raw == value }?.shown ?? mask.masked(value)
                        })
                } else { mask.masked(Self.replace(member.value, known)) }
        }
        self.sent = .object(sent)
    }

    /// The values of the arguments, each with the form in which this viewer may see it; those that
    /// are covered first, since one value may stand under two names.
    private static func collect(
        _ raw: JSONValue, _ shown: JSONValue, into known: inout [(raw: JSONValue, shown: JSONValue)]
    ) {
        switch (raw, shown) {
        case (.object(let one), .object(let other)):
            for (left, right) in zip(one.members, other.members) {
                collect(left.value, right.value, into: &known)
            }
        case (.array(let one), .array(let other)):
            for (left, right) in zip(one, other) { collect(left, right, into: &known) }
        default: known.insert((raw, shown), at: raw == shown ? known.endIndex : known.startIndex)
        }
    }

    private static func replace(
        _ value: JSONValue, _ known: [(raw: JSONValue, shown: JSONValue)]
    ) -> JSONValue {
        switch value {
        case .array(let values): .array(values.map { replace($0, known) })
        case .object(let object):
            .object(
                JSONObject(distinct: object.members.map { ($0.name, replace($0.value, known)) }))
        case .string, .number, .bool, .null: known.first { $0.raw == value }?.shown ?? value
        }
    }

    // MARK: As text

    private var who: String {
        let caller = request.caller
        let behind = caller.onBehalfOf.map { " for \($0)" } ?? ""
        return "\(caller.subject)\(behind) (\(caller.issuer))"
    }

    private var asked: String {
        request.needs.map { need in
            "\(need.rule): \(request.has(need)) of \(need.count) by \(need.groups.map(\.text).joined(separator: " or "))\(request.later(need))"
        }.joined(separator: "; ")
    }

    /// Of a request for access: what would be granted.
    private var terms: String? {
        request.terms.map { terms in
            let less = request.narrowed == nil ? "" : ", less than was asked for"
            return
                "\(terms.tools.map(\.text).joined(separator: ", ")) for \(spelled(.seconds(terms.seconds)))\(less)"
        }
    }

    private var edited: String {
        request.edits.isEmpty ? "" : " CHANGED (--edit \(request.edits.count))"
    }

    private var decided: String {
        let people =
            request.votes.map(\.person.subject) + (request.end?.by.map { [$0.subject] } ?? [])
        let by = people.isEmpty ? "" : " by \(people.joined(separator: ", "))"
        return "\(request.phase.rawValue)\(request.isForced ? " FORCED" : "")\(by)"
    }

    /// One line.
    var line: String {
        let text =
            "\(request.id)  \(request.phase.rawValue)\(request.isForced ? " FORCED" : "")\(edited)  \(who)  \(request.tool) \(arguments.text)  \(asked)  until \(WallClock.text(request.expires))"
        return printable(text, limit: 1_000)
    }

    /// What a decision came to.
    var standing: String {
        let text =
            switch request.phase {
            case .approved where request.terms != nil:
                "approved: \(terms ?? ""), from when its caller comes for it"
            case .approved: "approved: \(request.tool) can run, once, when its caller comes for it"
            case .pending: "counted; it needs more people: \(asked)"
            case .rejected: "rejected; its caller is told why"
            default: request.phase.rawValue
            }
        return printable("\(request.id)  \(text)", limit: 1_000)
    }

    /// All that there is to know, a subject a line. Never cut.
    var whole: [String] {
        var lines = [
            ("request", request.id.text), ("state", request.phase.rawValue),
            ("until", WallClock.text(request.expires)), ("caller", who),
            ("groups", request.caller.groups.map(\.text).joined(separator: ", ")),
        ]
        if let client = request.caller.clientID { lines.append(("client", client)) }
        if let reason { lines.append(("reason", reason)) }
        lines.append(("tool", "\(request.tool), \(request.effect.rawValue) on \(request.backend)"))
        lines.append(("arguments", arguments.text))
        if let terms { lines.append(("would grant", terms)) }
        for member in sent.object?.members ?? [] {
            lines.append((member.name, member.value.string ?? member.value.text))
        }
        for touch in request.touches.members { lines.append((touch.name, touch.value.text)) }
        for line in preview?.lines ?? [] { lines.append((line.name, line.text)) }
        for need in request.needs { lines.append(("rule", "\(need.rule): \(need.reason)")) }
        lines.append(("asked", asked))
        for edit in request.edits {
            let at = "by \(edit.person.subject) at \(WallClock.text(edit.at))"
            lines.append(("CHANGED", "\(at), who cannot approve it"))
        }
        for change in changes { lines.append(("change", change)) }
        if !request.edits.isEmpty {
            lines.append(("decide with", "--edit \(request.edits.count)"))
        }
        for (vote, why) in zip(request.votes, forced) {
            let at = "\(vote.person.subject) at \(WallClock.text(vote.at))"
            lines.append(
                why.map { ("FORCED", "by \(at), alone: \($0)") } ?? ("approved", at))
        }
        for need in request.needs where !need.force.isEmpty {
            let groups = need.force.map(\.text).joined(separator: " or ")
            lines.append(("force", "\(need.rule): \(groups), alone, in an emergency"))
        }
        if let end = request.end {
            let by = end.by.map { " by \($0.subject)" } ?? ""
            let why = told ?? end.code ?? ""
            lines.append((request.phase.rawValue, "\(WallClock.text(end.at))\(by) \(why)"))
        }
        if request.phase == .unknown, let trace = request.trace {
            lines.append(("find out", trace.advice))
        }
        for other in earlier {
            let at = WallClock.text(other.request.end?.at ?? other.request.created)
            lines.append(
                ("earlier", "\(at) \(other.decided)  \(other.who)  \(other.arguments.text)"))
        }
        return lines.map { name, text in
            let space = String(repeating: " ", count: max(1, 14 - name.count))
            return printable("\(name)\(space)\(text)", limit: 1 << 20)
        }
    }

    var json: JSONValue {
        var value = JSONObject()
        value["handle"] = .string(request.id.text)
        value["state"] = .string(request.phase.rawValue)
        value["created"] = .string(WallClock.text(request.created))
        value["expires"] = .string(WallClock.text(request.expires))
        var caller = JSONObject()
        caller["issuer"] = .string(request.caller.issuer)
        caller["subject"] = .string(request.caller.subject)
        caller["for"] = request.caller.onBehalfOf.map { .string($0) }
        caller["client"] = request.caller.clientID.map { .string($0) }
        caller["groups"] = request.caller.groups.json
        value["caller"] = .object(caller)
        value["reason"] = reason.map { .string($0) }
        value["tool"] = .string(request.tool.text)
        value["effect"] = .string(request.effect.rawValue)
        value["backend"] = .string(request.backend.text)
        value["arguments"] = arguments
        value["request"] = sent
        value["touches"] = .object(request.touches)
        value["preview"] = preview.map(\.json)
        value["rules"] = .array(
            request.needs.map { need in
                [
                    "rule": .string(need.rule.text), "reason": .string(need.reason),
                    "groups": need.groups.json, "count": .number(JSONNumber(need.count)),
                    "approved": .number(JSONNumber(request.has(need))),
                ]
            })
        value["approvals"] = .array(request.votes.map(\.person.json))
        if request.isForced { value["forced"] = true }
        if let terms = request.terms {
            value["access"] = [
                "tools": terms.tools.json, "seconds": .number(JSONNumber(terms.seconds)),
                "narrowed": .bool(request.narrowed != nil),
            ]
        }
        if !request.edits.isEmpty {
            value["edit"] = .number(JSONNumber(request.edits.count))
            value["editors"] = .array(request.edits.map(\.person.json))
            value["changes"] = .array(changes.map { .string($0) })
        }
        if let end = request.end {
            value["by"] = end.by.map(\.json)
            value["told"] = told.map { .string($0) }
            value["code"] = end.code.map { .string($0) }
        }
        if request.phase == .unknown, let trace = request.trace {
            value["findOut"] = .string(trace.advice)
        }
        if !earlier.isEmpty { value["earlier"] = .array(earlier.map(\.json)) }
        return .object(value)
    }
}
