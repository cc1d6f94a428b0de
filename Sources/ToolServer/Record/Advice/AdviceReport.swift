import Enforcement
import JSON

/// What `audit advise` found, in words or as one JSON object.
struct AdviceReport {
    let days: Int
    /// When the record began.
    let start: String?
    let survey: UsageSurvey
    let grants: NarrowerGrants
    let proof: NarrowingProof
    let statements: [(backend: Name, lines: [String])]

    private var columns: [(backend: Name, names: [String])] {
        survey.catalog.backends.keys.sorted().compactMap { backend in
            guard let unused = survey.unusedColumns(of: backend), !unused.isEmpty else {
                return nil
            }
            return (backend, unused.map { "\($0.schema).\($0.table).\($0.column)" }.sorted())
        }
    }

    private var proofText: String {
        var words = "\(counted(proof.calls, "call")) decided again with these grants: "
        if !proof.refused.isEmpty {
            return words + "\(proof.refused.count) would be refused"
        }
        words += "all that was let pass still is"
        if proof.refusedBefore > 0 {
            words += ", but for \(proof.refusedBefore) that the manifests as they are refuse too"
        }
        if proof.open > 0 { words += "; of \(proof.open) the record does not say enough" }
        return words
    }

    func writeText() {
        var lines = [
            "\(counted(survey.calls, "call")) of \(counted(survey.callers.count, "caller")) were let pass in \(counted(days, "day")); the record begins \(start.map { String($0.prefix(10)) } ?? "with the next call")"
        ]
        if survey.without > 0 {
            lines.append(
                "\(counted(survey.without, "call")) had a tool or a grant that is not there any more"
            )
        }
        func part(_ title: String, _ entries: [String]) {
            guard !entries.isEmpty else { return }
            lines += ["", title] + entries.map { "    " + printable($0, limit: 4_000) }
        }
        part(
            "Tools that nobody used",
            survey.unusedTools.map { "\($0.name) (\($0.scope), on \($0.backend))" })
        part("Scopes that nobody used", survey.unusedScopes.map(\.text))
        part(
            "Grants that give more than was used",
            grants.advice.flatMap { advice in
                [advice.text] + (advice.members.map { ["    " + $0.text] } ?? [])
            })
        for (backend, names) in columns {
            part("Columns of \(backend) that tools may read and nobody read", names)
        }
        for (_, statements) in statements { lines += [""] + statements }
        lines += ["", proofText]
        for line in lines { StandardStream.output.line(line) }
    }

    func writeJSON() {
        func strings(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
        let advice = grants.advice.map { advice in
            var members: [JSONObject.Member] = [
                ("place", .string(advice.grant.place)), ("advice", .string(advice.text)),
            ]
            members.append(("narrower", advice.members ?? .null))
            return JSONValue.object(JSONObject(distinct: members))
        }
        let facts: JSONValue = [
            "days": .number(JSONNumber(days)), "recordBegins": .string(start ?? ""),
            "calls": .number(JSONNumber(survey.calls)),
            "callers": .number(JSONNumber(survey.callers.count)),
            "unusedTools": strings(survey.unusedTools.map(\.name.text)),
            "unusedScopes": strings(survey.unusedScopes.map(\.text)),
            "grants": .array(advice),
            "unusedColumns": .object(
                JSONObject(distinct: columns.map { ($0.backend.text, strings($0.names)) })),
            "statements": .object(
                JSONObject(distinct: statements.map { ($0.backend.text, strings($0.lines)) })),
            "proof": [
                "calls": .number(JSONNumber(proof.calls)),
                "refused": .number(JSONNumber(proof.refused.count)),
                "refusedBefore": .number(JSONNumber(proof.refusedBefore)),
                "notToBeTold": .number(JSONNumber(proof.open)),
            ],
        ]
        StandardStream.output.line(facts.text)
    }
}
