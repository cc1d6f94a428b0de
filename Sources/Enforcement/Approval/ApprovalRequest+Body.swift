package import JSON

/// A request as the store keeps it. The phase stands beside the body, where others can look at it.
extension ApprovalRequest {
    var body: [UInt8] {
        var value = JSONObject()
        value["caller"] = Self.value(of: caller)
        value["tool"] = .string(tool.text)
        value["backend"] = .string(backend.text)
        value["effect"] = .string(effect.rawValue)
        value["arguments"] = .object(arguments)
        value["request"] = request
        value["touches"] = .object(touches)
        value["needs"] = .array(
            needs.map { Self.value(of: $0) })
        value["binding"] = .string(binding.hex)
        value["created"] = .number(JSONNumber(created))
        value["expires"] = .number(JSONNumber(expires))
        value["question"] = question.map { .string($0) }
        value["reason"] = reason.map { .string($0) }
        value["votes"] = .array(
            votes.map {
                [
                    "person": $0.person.json, "groups": $0.groups.json,
                    "at": .number(JSONNumber($0.at)),
                    "forced": $0.forced.map { .string($0) } ?? .null,
                ]
            })
        value["narrowed"] = narrowed.map(\.json)
        value["end"] = end.map { Self.value(of: $0) }
        value["via"] = ["kind": .string(via.kind.rawValue), "address": .string(via.address)]
        value["trace"] = trace.map(\.json)
        value["asked"] = asked.map { .object($0) }
        value["edits"] =
            edits.isEmpty
            ? nil
            : .array(
                edits.map { ["person": $0.person.json, "at": .number(JSONNumber($0.at))] })
        return JSONValue.object(value).bytes
    }

    private static func value(of need: Need) -> JSONValue {
        var value = JSONObject()
        value["rule"] = .string(need.rule.text)
        value["reason"] = .string(need.reason)
        value["groups"] = need.groups.json
        value["issuers"] = Self.value(of: need.approvers.issuers)
        value["count"] = .number(JSONNumber(need.count))
        value["escalate"] = need.escalation.map {
            ["after": .number(JSONNumber($0.after)), "groups": $0.groups.json]
        }
        value["force"] = need.force.isEmpty ? nil : need.force.json
        return .object(value)
    }

    static func value(of issuers: Grantees.Issuers) -> JSONValue {
        switch issuers {
        case .any: "any"
        case .of(let names): names.json
        }
    }

    static func issuers(_ value: JSONValue?) -> Grantees.Issuers? {
        if value == "any" { return .any }
        return [Name](value).map { .of($0) }
    }

    private static func value(of end: End) -> JSONValue {
        var value = JSONObject()
        value["at"] = .number(JSONNumber(end.at))
        value["by"] = end.by.map(\.json)
        value["reason"] = end.reason.map { .string($0) }
        value["code"] = end.code.map { .string($0) }
        value["changed"] = end.changed.map { .number(JSONNumber($0)) }
        return .object(value)
    }

    static func value(of caller: Caller) -> JSONValue {
        var value = JSONObject()
        value["issuer"] = .string(caller.issuer)
        value["subject"] = .string(caller.subject)
        value["kind"] = .string(caller.kind.rawValue)
        value["for"] = caller.onBehalfOf.map { .string($0) }
        value["client"] = caller.clientID.map { .string($0) }
        value["groups"] = caller.groups.json
        value["email"] = caller.email.map { .string($0) }
        value["claims"] = caller.claims.isEmpty ? nil : .object(caller.claims)
        return .object(value)
    }

    /// nil for what this build did not write.
    init?(_ entry: StateEntry) {
        guard entry.kind == .approval, let value = try? JSONParser.parse(entry.body),
            let phase = Phase(rawValue: entry.phase.text),
            let caller = Self.caller(value["caller"]),
            let tool = value["tool"]?.string, let backend = value["backend"]?.string,
            let effect = (value["effect"]?.string).flatMap({ Tool.Effect(rawValue: $0) }),
            let arguments = value["arguments"]?.object, let request = value["request"],
            let touches = value["touches"]?.object,
            let needs = value["needs"]?.array?.compactMap({ Self.need($0) }),
            needs.count == value["needs"]?.array?.count, !needs.isEmpty,
            let votes = value["votes"]?.array?.compactMap({ Self.vote($0) }),
            votes.count == value["votes"]?.array?.count,
            let binding = (value["binding"]?.string).flatMap({ Hex.decode($0) })
                .flatMap({ Digest32($0) }),
            let created = value["created"]?.int, let expires = value["expires"]?.int,
            let edits = Self.edits(value["edits"]), edits.isEmpty == (value["asked"] == nil)
        else { return nil }
        self.init(
            id: entry.id, caller: caller, tool: Name(tool), backend: Name(backend), effect: effect,
            arguments: arguments, request: request, touches: touches, needs: needs,
            binding: binding, created: created, expires: expires,
            question: value["question"]?.string, reason: value["reason"]?.string, votes: votes,
            phase: phase,
            end: value["end"].flatMap { Self.end($0) })
        if let kind = (value["via"]?["kind"]?.string).flatMap({ Transport.Kind(rawValue: $0) }) {
            via = Transport(kind: kind, address: value["via"]?["address"]?.string ?? "")
        }
        trace = RunTrace(value["trace"])
        if let terms = value["narrowed"] {
            guard let terms = AccessTerms(stored: terms) else { return nil }
            narrowed = terms
        }
        asked = value["asked"]?.object
        self.edits = edits
    }

    private static func edits(_ value: JSONValue?) -> [Edit]? {
        guard let value else { return [] }
        guard let elements = value.array, !elements.isEmpty else { return nil }
        let edits = elements.compactMap { element -> Edit? in
            guard let person = Person(element["person"]), let at = element["at"]?.int else {
                return nil
            }
            return Edit(person: person, at: at)
        }
        return edits.count == elements.count ? edits : nil
    }

    static func caller(_ value: JSONValue?) -> Caller? {
        guard let value, let issuer = value["issuer"]?.string,
            let subject = value["subject"]?.string,
            let kind = (value["kind"]?.string).flatMap({ Caller.Kind(rawValue: $0) }),
            let groups = [Name](value["groups"])
        else { return nil }
        return Caller(
            issuer: issuer, subject: subject, kind: kind, onBehalfOf: value["for"]?.string,
            clientID: value["client"]?.string, groups: groups,
            claims: value["claims"]?.object ?? JSONObject(), email: value["email"]?.string)
    }

    private static func need(_ value: JSONValue) -> Need? {
        guard let rule = value["rule"]?.string, let reason = value["reason"]?.string,
            let groups = [Name](value["groups"]), let issuers = issuers(value["issuers"]),
            let count = value["count"]?.int, count > 0
        else { return nil }
        var need = Need(
            rule: Name(rule), reason: reason, approvers: Grantees(groups: groups, of: issuers),
            count: count)
        if let later = value["escalate"] {
            guard let after = later["after"]?.int, let groups = [Name](later["groups"]) else {
                return nil
            }
            need.escalation = ApprovalDemand.Escalation(after: after, groups: groups)
        }
        if let force = value["force"] {
            guard let groups = [Name](force) else { return nil }
            need.force = groups
        }
        return need
    }

    private static func vote(_ value: JSONValue) -> Vote? {
        guard let person = Person(value["person"]), let groups = [Name](value["groups"]),
            let at = value["at"]?.int
        else { return nil }
        return Vote(person: person, groups: groups, at: at, forced: value["forced"]?.string)
    }

    private static func end(_ value: JSONValue) -> End? {
        guard let at = value["at"]?.int else { return nil }
        return End(
            at: at, by: Person(value["by"]), reason: value["reason"]?.string,
            code: value["code"]?.string, changed: value["changed"]?.int)
    }
}

extension Person {
    package var json: JSONValue {
        var value = JSONObject()
        value["issuer"] = .string(issuer)
        value["subject"] = .string(subject)
        value["email"] = email.map { .string($0) }
        return .object(value)
    }

    init?(_ value: JSONValue?) {
        guard let issuer = value?["issuer"]?.string, let subject = value?["subject"]?.string else {
            return nil
        }
        self.init(issuer: issuer, subject: subject, email: value?["email"]?.string)
    }
}

extension [Name] {
    package var json: JSONValue { .array(map { .string($0.text) }) }

    init?(_ value: JSONValue?) {
        guard let names = value?.array else { return nil }
        let texts = names.compactMap(\.string)
        guard texts.count == names.count else { return nil }
        self = texts.map { Name($0) }
    }
}
