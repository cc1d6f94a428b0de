import JSON

/// Which output columns of one operation are masked, why and for whom not.
struct MaskPlan: Sendable {
    /// One reason to mask a column.
    struct Cover: Sendable {
        let rule: Name
        let strategy: MaskRule.Strategy
        /// True where the column is computed: even that there is no value could tell one.
        let coversNull: Bool
        /// What stands in the place of a redacted value: `[email]`.
        let token: [UInt8]
        let revealedTo: [Name]

        fileprivate var strictness: Int { coversNull ? 2 : strategy == .redact ? 1 : 0 }
    }

    /// For each output column, the covers over it; empty for an open one.
    let columns: [[Cover]]

    init(_ examination: Examination, on backend: Name, policy: Policy) {
        let rules = policy.masks.filter { $0.target.applies(to: backend) }
        columns = examination.columns.map { column in
            rules.compactMap { rule in
                let standing = rule.target.standing(over: column, in: examination)
                guard standing != .open else { return nil }
                let isDerived = standing == .derived
                let revealedTo = policy.reveals.filter { $0.target == rule.target }
                    .flatMap(\.groups)
                return Cover(
                    rule: rule.id, strategy: isDerived ? .redact : rule.strategy,
                    coversNull: isDerived,
                    token: Array("[\(rule.target.label.text)]".utf8), revealedTo: revealedTo)
            }
        }
    }

    /// The cover to lay over a column for this caller: the strictest that is not lifted.
    func cover(over column: Int, for caller: Caller) -> Cover? {
        var strictest: Cover?
        for cover in columns[column]
        where !cover.revealedTo.contains(where: { caller.groups.contains($0) }) {
            if cover.strictness > strictest?.strictness ?? -1 { strictest = cover }
        }
        return strictest
    }

    var masksAnything: Bool { columns.contains { !$0.isEmpty } }
}

extension MaskRule.Target {
    enum Standing {
        case open
        /// The column is the masked one, unchanged.
        case exact
        /// The column may be computed from the masked one, so nothing of it may show.
        case derived
    }

    /// The name that tells a reader what was masked.
    var label: Name {
        switch self {
        case .column(_, let path): path.column
        case .field(let name): name
        }
    }

    func applies(to backend: Name) -> Bool {
        switch self {
        case .column(let owner, _): owner == backend
        case .field: true
        }
    }

    /// By lineage first; a column whose origin is unknown is covered whenever the masked column
    /// is read anywhere in the statement, or when what it reads is unknown too.
    func standing(over column: Column, in examination: Examination) -> Standing {
        switch self {
        case .column(_, let path):
            if let origin = column.origin { return origin == path ? .exact : .open }
            guard let reads = examination.reads else { return .derived }
            return reads.contains(path) ? .derived : .open
        case .field(let name):
            let wanted = Self.folded(name.text)
            let isNamed = Self.folded(column.name) == wanted
            if let origin = column.origin {
                return isNamed || Self.folded(origin.column.text) == wanted ? .exact : .open
            }
            guard let reads = examination.reads else { return .derived }
            if reads.contains(where: { Self.folded($0.column.text) == wanted }) { return .derived }
            return isNamed ? .exact : .open
        }
    }

    /// `card_number`, `cardNumber` and `Card-Number` are one field.
    package static func folded(_ name: String) -> [UInt8] {
        name.utf8.compactMap { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
            case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: " "), UInt8(ascii: "."): nil
            default: byte
            }
        }
    }
}
