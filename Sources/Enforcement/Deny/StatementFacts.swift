package import JSON

/// What the rules can ask about a statement: found by the database's own analysis, never by our
/// reading of the text alone.
package struct StatementFacts: Sendable {
    /// Some values of a fact, and whether there may be more that nobody could find out. A rule
    /// about those counts as matched.
    package struct Finding: Sendable, Hashable {
        package private(set) var values: Set<Name>
        package var isComplete: Bool

        package init(_ values: Set<Name> = [], isComplete: Bool = true) {
            self.values = values
            self.isComplete = isComplete
        }

        package static let unknown = Finding(isComplete: false)

        package mutating func insert(_ value: Name) { values.insert(value) }

        package mutating func formUnion(_ other: Finding) {
            values.formUnion(other.values)
            isComplete = isComplete && other.isComplete
        }
    }

    /// `select`, `insert`, `drop` …, those inside of others too.
    package var kinds: Finding
    /// `schema.relation`, through views and to partitions.
    package var reads: Finding
    package var writes: Finding
    /// `schema.relation.column`, in whatever place.
    package var columns: Finding
    /// `schema.function`, those behind operators and in the bodies of other functions too.
    package var functions: Finding
    /// The kinds whose condition depends on no column of what they change.
    package var whereless: Finding
    /// The planner's estimates; nil where nobody asked it or it could not say.
    package var rows: JSONNumber?
    package var cost: JSONNumber?
    /// True where the backend takes names of any case for one, so that rules must as well.
    package var foldsNames: Bool

    package init(
        kinds: Finding = Finding(), reads: Finding = Finding(), writes: Finding = Finding(),
        columns: Finding = Finding(), functions: Finding = Finding(),
        whereless: Finding = Finding(), rows: JSONNumber? = nil, cost: JSONNumber? = nil,
        foldsNames: Bool = false
    ) {
        self.kinds = kinds
        self.reads = reads
        self.writes = writes
        self.columns = columns
        self.functions = functions
        self.whereless = whereless
        self.rows = rows
        self.cost = cost
        self.foldsNames = foldsNames
    }

    /// Nothing could be found out: every rule about it counts as matched.
    package static let unknown = StatementFacts(
        kinds: .unknown, reads: .unknown, writes: .unknown, columns: .unknown,
        functions: .unknown, whereless: .unknown)

    /// All but the planner's estimates, which change with the data.
    package var touches: [Finding] { [kinds, reads, writes, columns, functions, whereless] }

    package mutating func formUnion(_ other: StatementFacts) {
        kinds.formUnion(other.kinds)
        reads.formUnion(other.reads)
        writes.formUnion(other.writes)
        columns.formUnion(other.columns)
        functions.formUnion(other.functions)
        whereless.formUnion(other.whereless)
    }
}

/// One kind of fact about a statement.
package enum StatementFact: String, Sendable, CaseIterable {
    case kind, reads, writes, columns, functions, whereless, rows, cost

    /// What it is called in a rule.
    package var spelling: String { "sql.\(rawValue)" }

    /// How many names a value has: `schema.table.column` has three. Nil for words and numbers.
    package var nameCount: Int? {
        switch self {
        case .reads, .writes, .functions: 2
        case .columns: 3
        case .kind, .whereless, .rows, .cost: nil
        }
    }

    package var isNumber: Bool { self == .rows || self == .cost }

    /// Every word that a value can be, where those are known beforehand.
    package var words: [String]? {
        switch self {
        case .kind: Self.kinds
        case .whereless: ["update", "delete", "merge"]
        default: nil
        }
    }

    package static let kinds = [
        "select", "insert", "update", "delete", "merge", "truncate", "create", "alter", "drop",
        "grant", "revoke", "comment", "copy", "call", "do", "set", "reset", "show", "explain",
        "begin", "commit", "rollback", "savepoint", "lock", "notify", "listen", "unlisten", "load",
        "discard", "prepare", "execute", "deallocate", "declare", "fetch", "close", "vacuum",
        "analyze", "reindex", "cluster", "checkpoint", "refresh", "import", "attach", "detach",
        "pragma", "replace",
    ]
}

extension StatementFacts {
    func finding(of fact: StatementFact) -> Finding {
        switch fact {
        case .kind: kinds
        case .reads: reads
        case .writes: writes
        case .columns: columns
        case .functions: functions
        case .whereless: whereless
        case .rows, .cost: .unknown
        }
    }

    func number(of fact: StatementFact) -> JSONNumber? {
        switch fact {
        case .rows: rows
        case .cost: cost
        default: nil
        }
    }
}
