package import JSON

/// A call as the first of its lines tells it, with what the rules said of it then.
package struct RecordedCall: Sendable {
    package let line: RecordedLine
    package let decision: RuleDecision
    /// Nil where the call went on.
    let code: Refusal.Code?
    package let rules: [Name]
    /// Seconds since 1970.
    let at: Int
    let arrived: ArrivedCall
    /// False where only the arguments' names are on record.
    let hasArguments: Bool

    package var tool: String { arrived.tool }
    package var caller: Caller { arrived.caller.caller }
    package var codeText: String { code?.rawValue ?? "ok" }

    /// Nil for other lines, and for calls of which the rules were not asked.
    package init?(_ line: RecordedLine) {
        guard let decision = line.text("decision").flatMap({ RuleDecision(rawValue: $0) }),
            let caller = Self.caller(line), let tool = line.text("tool"),
            let kind = line.text("via").flatMap({ Transport.Kind(rawValue: $0) }),
            let at = RecordTime.microseconds(line.at)
        else { return nil }
        self.line = line
        self.decision = decision
        code = line.text("code").flatMap { Refusal.Code(rawValue: $0) }
            .flatMap { $0.isOfRules ? $0 : nil }
        rules = line.names(decision == .deny || code != nil ? "rules" : "held").map { Name($0) }
        self.at = at / 1_000_000
        hasArguments = line["arguments"] != nil
        arrived = ArrivedCall(
            caller: .supposed(caller), tool: tool,
            arguments: line["arguments"]?.object ?? JSONObject(),
            via: Transport(kind: kind, address: line.text("address") ?? ""),
            recorded: Self.facts(line))
    }

    private static func caller(_ line: RecordedLine) -> Caller? {
        guard let caller = line["caller"], let issuer = caller["issuer"]?.string,
            let subject = caller["subject"]?.string,
            let kind = caller["kind"]?.string.flatMap({ Caller.Kind(rawValue: $0) })
        else { return nil }
        return Caller(
            issuer: issuer, subject: subject, kind: kind, onBehalfOf: caller["for"]?.string,
            clientID: caller["client"]?.string,
            groups: (caller["groups"]?.array ?? []).compactMap(\.string).map { Name($0) },
            claims: line["claims"]?.object ?? JSONObject())
    }

    private static func facts(_ line: RecordedLine) -> RecordedFacts {
        let tests = (line["tests"]?.object?.members ?? []).compactMap { member in
            member.value.string.flatMap { Verdict(recorded: $0) }.map { (Name(member.name), $0) }
        }
        return RecordedFacts(
            covered: line.names("covered"),
            claims: (line["claims"]?.object?.members ?? []).map { Name($0.name) },
            tests: Dictionary(tests, uniquingKeysWith: { first, _ in first }),
            grant: line.text("grant").map { Name($0) })
    }
}

extension RecordedCall {
    /// What a call that was examined by itself would touch; nil where the line does not say.
    var examination: CallExamination? {
        // Of a declared statement only a part stands in the line.
        guard line["statement"] == nil else { return nil }
        if let method = line.text("method") {
            guard let host = line.text("host") else { return nil }
            let request = OutboundRequest(
                recorded: method, host: host, canonicalPath: line.text("path") ?? "")
            return CallExamination(
                examination: Examination(
                    columns: [], reads: [], parameters: [], isReadOnly: false),
                request: .http(request))
        }
        guard let sql = line["sql"]?.object else { return nil }
        var examination = Examination(
            columns: [], reads: nil, deciding: Self.paths(sql["deciding"]), parameters: [],
            isReadOnly: false)
        examination.statement = StatementFacts(recorded: sql)
        return CallExamination(
            examination: examination, request: .sql(text: "", parameters: []))
    }

    private static func paths(_ value: JSONValue?) -> Set<ColumnPath>? {
        guard let paths = value?.array else { return nil }
        return Set(
            paths.compactMap { path in
                let parts = (path.array ?? []).compactMap(\.string).map { Name($0) }
                guard parts.count == 3 else { return nil }
                return ColumnPath(schema: parts[0], table: parts[1], column: parts[2])
            })
    }
}

extension StatementFacts {
    fileprivate init(recorded sql: JSONObject) {
        let partial = (sql["partial"]?.array ?? []).compactMap(\.string)
        func finding(_ fact: StatementFact) -> Finding {
            let names = (sql[fact.rawValue]?.array ?? []).compactMap(\.string).map { Name($0) }
            return Finding(
                Set(names),
                isComplete: !partial.contains { $0.isByteEqual(to: fact.rawValue) })
        }
        self.init(
            kinds: finding(.kind), reads: finding(.reads), writes: finding(.writes),
            columns: finding(.columns), functions: finding(.functions),
            whereless: finding(.whereless), rows: sql["rows"]?.number, cost: sql["cost"]?.number,
            foldsNames: sql["foldsNames"]?.bool ?? false)
    }
}
