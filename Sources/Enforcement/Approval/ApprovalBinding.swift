import JSON

/// What an approval is bound to. Whatever of it changes, it is another call.
struct ApprovalBinding {
    let digest: Digest32
    let request: JSONValue
    let touches: JSONObject

    init(_ call: ExaminedCall, as whole: CallExamination, version: String) {
        request = whole.request.shown
        touches = Self.touches(whole.examination)
        var fields = FieldDigest()
        fields.add(call.scoped.caller.mark.bytes)
        fields.add(call.scoped.tool.name.text)
        fields.add(call.scoped.guarded.recordMembers)
        fields.add(JSONValue.object(call.scoped.arrived.arguments).canonicalBytes)
        fields.add(request.canonicalBytes)
        fields.add(Self.form(whole.examination).canonicalBytes)
        fields.add(version)
        digest = fields.finish()
    }

    /// The form of the data that the call was judged on. Not the planner's estimates: they change
    /// with every row.
    private static func form(_ examination: Examination) -> JSONValue {
        let columns = examination.columns.map { column in
            JSONValue.array([
                .string(column.name), .string(column.kind.rawValue),
                column.origin.map { .string($0.text) } ?? .null,
            ])
        }
        let reads = examination.reads.map { Self.sorted($0.map(\.text)) } ?? .null
        let facts = (examination.statement?.touches ?? []).map { finding in
            JSONValue.array([
                sorted(finding.values.map(\.text)), .bool(finding.isComplete),
            ])
        }
        return .array([.array(columns), reads, .array(facts), .bool(examination.isReadOnly)])
    }

    private static func touches(_ examination: Examination) -> JSONObject {
        var touches = JSONObject()
        if let statement = examination.statement {
            for fact in StatementFact.allCases where !fact.isNumber {
                let finding = statement.finding(of: fact)
                guard !finding.values.isEmpty || !finding.isComplete else { continue }
                var names = finding.values.map(\.text)
                if !finding.isComplete { names.append("(and what cannot be known)") }
                touches[fact.spelling] = sorted(names)
            }
            touches["sql.rows"] = statement.rows.map { .number($0) }
        } else if let reads = examination.reads, !reads.isEmpty {
            touches["columns"] = sorted(reads.map(\.text))
        }
        return touches
    }

    private static func sorted(_ texts: [String]) -> JSONValue {
        .array(texts.map { Name($0) }.sorted().map { .string($0.text) })
    }
}

extension ColumnPath {
    fileprivate var text: String { "\(schema).\(table).\(column)" }
}

extension BackendRequest {
    /// As a person reads it, whole.
    var shown: JSONValue {
        switch self {
        case .sql(let text, let parameters): ["sql": .string(text), "params": .array(parameters)]
        case .access(let shown): .object(shown)
        case .http(let request):
            [
                "method": .string(request.method), "url": .string(request.url),
                "headers": .object(
                    JSONObject(distinct: request.headers.map { ($0.name, .string($0.value)) })),
                "body": request.body.map { .string(String(decoding: $0, as: UTF8.self)) } ?? .null,
            ]
        }
    }
}
