import JSON

/// What a call's line says of the facts that rules were asked about, so that other rules can be
/// asked about the same call later. Facts and names only: what the masks cover is covered here too,
/// and of a test about it only the answer is kept.
struct FactsLine {
    private let arrived: ArrivedCall
    private let guarded: GuardedTool
    /// Nil for a call that was refused before that.
    private let call: ExaminedCall?
    private let moment: Moment
    private let values: ValueMasks
    /// Names of facts whose recorded value is not the real one.
    private var covered: [String]

    init(
        _ arrived: ArrivedCall, of guarded: GuardedTool, _ call: ExaminedCall?,
        at moment: Moment, _ values: ValueMasks, covered arguments: [String]
    ) {
        self.arrived = arrived
        self.guarded = guarded
        self.call = call
        self.moment = moment
        self.values = values
        covered = arguments
    }

    mutating func write(into writer: inout JSONWriter) {
        if let call, !guarded.tool.operation.isSettledAtLoad {
            Self.write(call.examination, whole: true, into: &writer)
        }
        writePath(into: &writer)
        writeClaims(into: &writer)
        if !covered.isEmpty {
            writer.member("covered", .array(covered.map { .string($0) }))
        }
        writeTests(into: &writer)
    }

    /// `whole`: with all that rules may ask; else what readers look for.
    static func write(_ examination: Examination, whole: Bool, into writer: inout JSONWriter) {
        guard let statement = examination.statement else { return }
        writer.name("sql")
        writer.beginObject()
        let parts: [StatementFact] = whole ? StatementFact.allCases : [.kind, .reads, .writes]
        for part in parts {
            if let number = statement.number(of: part) {
                writer.name(part.rawValue)
                writer.number(number)
            } else if !part.isNumber {
                let finding = statement.finding(of: part)
                if !finding.values.isEmpty {
                    let names = finding.values.sorted().map { JSONValue.string($0.text) }
                    writer.member(part.rawValue, .array(names))
                }
            }
        }
        if whole { writeRest(of: statement, examination, into: &writer) }
        writer.endObject()
    }

    private static func writeRest(
        of statement: StatementFacts, _ examination: Examination, into writer: inout JSONWriter
    ) {
        let partial = StatementFact.allCases.filter {
            !$0.isNumber && !statement.finding(of: $0).isComplete
        }
        if !partial.isEmpty {
            writer.member("partial", .array(partial.map { .string($0.rawValue) }))
        }
        if statement.foldsNames { writer.member("foldsNames", true) }
        guard let deciding = examination.deciding ?? examination.reads else { return }
        let paths = deciding.map { [$0.schema, $0.table, $0.column] }.sorted {
            $0.lexicographicallyPrecedes($1)
        }
        writer.member(
            "deciding", .array(paths.map { .array($0.map { .string($0.text) }) }))
    }

    /// A path is made of arguments: where one of these is covered, the path is.
    private mutating func writePath(into writer: inout JSONWriter) {
        guard case .http(let request)? = call?.request else { return }
        let path = request.canonicalPath
        var text = TextMask(values, wanted: values.wanted(for: nil))
        guard covered.isEmpty, text.masked(path).isByteEqual(to: path) else {
            covered.append("http.path")
            return
        }
        writer.member("path", path)
    }

    /// Those that some rule of the tool asks. One that the caller does not have is `[]`, which
    /// gives a rule as much as nothing.
    private mutating func writeClaims(into writer: inout JSONWriter) {
        let asked = guarded.askedClaims
        guard !asked.isEmpty else { return }
        var document = DocumentMask(values, Policy(), for: nil)
        var claims: [JSONObject.Member] = []
        for name in asked {
            let value = arrived.caller.caller.claims[name.text] ?? .array([])
            let shown = document.masked(.object(JSONObject(distinct: [(name.text, value)])))
            guard shown[name.text] == value else {
                covered.append("caller.claims.\(name)")
                continue
            }
            claims.append((name.text, value))
        }
        writer.member("claims", .object(JSONObject(distinct: claims)))
    }

    private func writeTests(into writer: inout JSONWriter) {
        let tests = guarded.coveredTests.filter { test in
            test.fact.isNeverRecorded || RecordedFacts.isCovered(test.name, by: covered)
        }
        guard !tests.isEmpty else { return }
        let facts = call.map { Facts(call: $0, at: moment) }
        // What grants saw, where nothing came after them.
        let question = ScopeQuestion(
            caller: arrived.caller.caller, tool: guarded.tool, via: arrived.via,
            arguments: arrived.arguments, now: 0)
        writer.name("tests")
        writer.beginObject()
        for test in tests {
            let known = facts?.known(test.fact) ?? question.known(test.fact)
            writer.member(test.id, test.test.verdict(on: known).recorded)
        }
        writer.endObject()
    }
}
