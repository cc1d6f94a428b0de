package import JSON

/// One tool as the catalogue holds it: everything resolved, nothing left to fail at call time.
/// A class, so that the stages of a call pass on one reference and copy nothing.
package final class Tool: Sendable {
    package enum Effect: String, Sendable, CaseIterable { case read, write }

    package let name: Name
    package let title: String
    package let description: String
    package let backend: Name
    package let scope: Name
    package let effect: Effect
    package let tags: [Name]
    /// The JSON Schema shown to the caller, root `type: object`, unknown members refused.
    package let inputSchema: JSONValue
    package let input: InputCheck
    package let operation: Operation
    package let limits: ToolLimits
    /// What the backend found when it examined the operation at load.
    package let examination: Examination
    /// What its caller is asked before it runs.
    package let confirmation: Confirmation?
    package let taskUse: TaskUse?
    package let rowForm: RowForm
    /// Set for a tool that people may choose by themselves.
    package let prompt: ToolPrompt?

    /// How rows are written: each with its names, or the names once and then values alone. `auto`:
    /// objects for programs, and a table in the text that models read where rows are many.
    package enum RowForm: String, Sendable, CaseIterable { case auto, objects, table }

    /// Whether a call may go on after its request was answered.
    package enum TaskUse: String, Sendable, CaseIterable { case allowed, required }

    package init(
        name: Name, title: String, description: String, backend: Name, scope: Name,
        effect: Effect, tags: [Name] = [], inputSchema: JSONValue, input: InputCheck,
        operation: Operation, limits: ToolLimits = ToolLimits(), examination: Examination,
        confirmation: Confirmation? = nil, taskUse: TaskUse? = nil, rowForm: RowForm = .auto,
        prompt: ToolPrompt? = nil
    ) {
        self.name = name
        self.title = title
        self.description = description
        self.backend = backend
        self.scope = scope
        self.effect = effect
        self.tags = tags
        self.inputSchema = inputSchema
        self.input = input
        self.operation = operation
        self.limits = limits
        self.examination = examination
        self.confirmation = confirmation
        self.taskUse = taskUse
        self.rowForm = rowForm
        self.prompt = prompt
    }
}

/// What a tool does to its backend, as data: Enforcement knows no database.
package enum Operation: Sendable {
    case sql(SQLOperation)
    case freeSQL(FreeSQLOperation)
    /// Says which relations and columns the backend has, as far as the caller may use them.
    case describe
    case http(HTTPOperation)
    /// Grants what people have approved; of the built-in tool alone.
    case access

    /// False where the arguments decide what is touched, so that each call is examined by itself.
    package var isSettledAtLoad: Bool {
        switch self {
        case .sql, .describe, .access: true
        case .freeSQL, .http: false
        }
    }

    /// Where the pieces of an answer were picked from; none where it is whole.
    package var picks: [(name: String, path: DocumentPath)] {
        if case .http(let http) = self { http.result.picks } else { [] }
    }

    /// What the caller's identity gives, which no argument can replace.
    package var bound: [(name: Name, value: CallerTemplate)] {
        switch self {
        case .sql(let sql): sql.bound
        case .http(let http): http.bound
        case .freeSQL, .describe, .access: []
        }
    }

    package var isDescription: Bool {
        if case .describe = self { true } else { false }
    }

    package var isAccess: Bool {
        if case .access = self { true } else { false }
    }

    /// Whether a database runs a statement for it.
    package var isStatement: Bool {
        switch self {
        case .sql, .freeSQL: true
        case .http, .describe, .access: false
        }
    }
}

package struct SQLOperation: Sendable {
    /// The statement as the manifest has it, with `:name` parameters.
    package var text: String
    /// Parameters that the caller's identity gives; neither shown to the model nor set by it.
    package var bound: [(name: Name, value: CallerTemplate)]
    /// Arguments by which a call goes on behind the last row of a cut answer, each with the column
    /// whose value it takes.
    package var next: [(argument: Name, column: Name)]

    package init(
        text: String, bound: [(name: Name, value: CallerTemplate)] = [],
        next: [(argument: Name, column: Name)] = []
    ) {
        self.text = text
        self.bound = bound
        self.next = next
    }
}

/// The caller writes the statement.
package struct FreeSQLOperation: Sendable {
    /// The argument that holds it.
    package var argument: Name
    /// The argument that may hold an array of values for `$1`, `$2` …
    package static let parameters: Name = "params"
    /// Whether a rule asks what the planner expects, which costs more than all else.
    package var wantsEstimate: Bool

    package init(argument: Name, wantsEstimate: Bool = false) {
        self.argument = argument
        self.wantsEstimate = wantsEstimate
    }
}

package struct ToolLimits: Sendable {
    package var rows: Int
    package var bytes: Int
    package var time: Duration

    package init(rows: Int = 1_000, bytes: Int = 1 << 20, time: Duration = .seconds(30)) {
        self.rows = rows
        self.bytes = bytes
        self.time = time
    }
}

/// What a backend says about an operation without running it.
package struct Examination: Sendable {
    private struct Parts {
        var columns: [Column]
        var reads: Set<ColumnPath>?
        var deciding: Set<ColumnPath>?
        var blankable: Set<ColumnPath> = []
        var parameters: [Name]
        var isReadOnly: Bool
        var statement: StatementFacts?
        var needs: Set<RelationPrivilege>?
        var identity: Identity?
    }

    private var parts: Kept<Parts>

    /// The output columns; empty for an operation that returns no rows.
    package var columns: [Column] {
        get { parts.value.columns }
        set { parts = parts.changed { $0.columns = newValue } }
    }
    /// The base columns that the operation reads anywhere; nil when that cannot be known.
    package var reads: Set<ColumnPath>? {
        get { parts.value.reads }
        set { parts = parts.changed { $0.reads = newValue } }
    }
    /// The base columns that may decide which rows come, their order or number, what is changed or
    /// whether the operation fails; more than show in values. Nil when that cannot be known: then
    /// all that is read may.
    package var deciding: Set<ColumnPath>? {
        get { parts.value.deciding }
        set { parts = parts.changed { $0.deciding = newValue } }
    }
    /// The base columns on which values are computed that may fail, and that decide nothing else.
    /// Who may not see them gets those values computed without them (`Job.blank`), or the failure
    /// would tell.
    package var blankable: Set<ColumnPath> {
        get { parts.value.blankable }
        set { parts = parts.changed { $0.blankable = newValue } }
    }
    /// The names of the parameters, without `:`.
    package var parameters: [Name] {
        get { parts.value.parameters }
        set { parts = parts.changed { $0.parameters = newValue } }
    }
    /// False for an operation that changes data, schema or settings.
    package var isReadOnly: Bool {
        get { parts.value.isReadOnly }
        set { parts = parts.changed { $0.isReadOnly = newValue } }
    }
    /// What rules can ask of a statement; nil where there is none.
    package var statement: StatementFacts? {
        get { parts.value.statement }
        set { parts = parts.changed { $0.statement = newValue } }
    }
    /// What the database asks of the role that runs it; nil where that is unknown.
    package var needs: Set<RelationPrivilege>? {
        get { parts.value.needs }
        set { parts = parts.changed { $0.needs = newValue } }
    }
    /// Set where the same examination serves several calls, so that what follows from it can be
    /// remembered with it.
    package var identity: Identity? {
        get { parts.value.identity }
        set { parts = parts.changed { $0.identity = newValue } }
    }

    package final class Identity: Sendable {
        package init() {}
    }

    package init(
        columns: [Column], reads: Set<ColumnPath>?, deciding: Set<ColumnPath>? = nil,
        parameters: [Name], isReadOnly: Bool, statement: StatementFacts? = nil,
        needs: Set<RelationPrivilege>? = nil
    ) {
        parts = Kept(
            Parts(
                columns: columns, reads: reads, deciding: deciding, parameters: parameters,
                isReadOnly: isReadOnly, statement: statement, needs: needs))
    }

    /// One and the same, not only one like it.
    package func isSame(as other: Examination) -> Bool { parts === other.parts }
}

extension Examination {
    /// Of a tool whose callers write the statement: nothing is known before they do.
    package static func ofCallers(_ effect: Tool.Effect) -> Examination {
        Examination(columns: [], reads: nil, parameters: [], isReadOnly: effect == .read)
    }
}

package struct Column: Sendable {
    package enum Kind: String, Sendable {
        case integer, number, string, boolean, any
        /// A number, or `NaN`, `Infinity`, `-Infinity` as text.
        case numberOrText
        /// Any JSON value.
        case json
    }

    package var name: String
    /// The base column whose value this is, unchanged; nil for expressions and where unknown.
    package var origin: ColumnPath?
    /// The base columns from which the value may be made; nil when that may be any that is read.
    package var sources: Set<ColumnPath>?
    package var kind: Kind

    package init(
        name: String, origin: ColumnPath?, sources: Set<ColumnPath>? = nil, kind: Kind
    ) {
        self.name = name
        self.origin = origin
        self.sources = sources
        self.kind = kind
    }
}

/// `schema.table.column`, within one backend. Folded to lower case where the backend folds names.
package struct ColumnPath: Hashable, Sendable {
    package var schema: Name
    package var table: Name
    package var column: Name

    package init(schema: Name, table: Name, column: Name) {
        self.schema = schema
        self.table = table
        self.column = column
    }
}

/// Every column that a backend knows, so that a rule about a column that is not there is found.
package struct BackendColumns: Sendable {
    /// Of tables.
    package var stored: Set<ColumnPath>
    /// Of views: masks are laid on what the view shows, not on the view.
    package var viewed: Set<ColumnPath>
    /// `schema.function`; nil where nobody asked.
    package var functions: Set<Name>?
    /// Whether names of any case are one.
    package var foldsNames: Bool

    package init(
        stored: Set<ColumnPath>, viewed: Set<ColumnPath> = [], functions: Set<Name>? = nil,
        foldsNames: Bool = true
    ) {
        self.stored = stored
        self.viewed = viewed
        self.functions = functions
        self.foldsNames = foldsNames
    }
}
