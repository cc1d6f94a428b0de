import JSON
import Synchronization

/// Which output columns of one operation are masked, why and for whom not.
final class MaskPlan: Sendable {
    /// One reason to mask a column.
    final class Cover: Sendable {
        let rule: Name
        let strategy: MaskRule.Strategy
        /// True where the column is computed: even that there is no value could tell one.
        let coversNull: Bool
        /// What stands in the place of a redacted value: `[email]`.
        let token: [UInt8]
        let label: String
        /// The rules that lift it for some.
        private let reveals: [Kept<RevealRule>]

        fileprivate init(
            rule: MaskRule, isDerived: Bool, reveals: [RevealRule]
        ) {
            self.rule = rule.id
            strategy = isDerived ? .redact : rule.strategy
            coversNull = isDerived
            label = rule.target.label.text
            token = Array("[\(label)]".utf8)
            self.reveals = reveals.map(Kept.init)
        }

        /// The rules that lift it for this caller.
        func lifting(for caller: Caller) -> [Name] {
            reveals.compactMap { $0.value.holds(for: caller) ? $0.value.id : nil }
        }

        fileprivate func isLifted(for caller: Caller) -> Bool {
            reveals.contains { $0.value.holds(for: caller) }
        }

        /// Whether it is the same for every caller.
        fileprivate var isForAll: Bool { reveals.isEmpty }

        /// What a computed column gets is stricter than any strategy.
        fileprivate var strictness: Int {
            coversNull ? .max : strategy.strictness
        }
    }

    /// What one caller gets of a column.
    enum Standing: Sendable {
        case covered(Cover)
        /// Places in the column's documents are.
        case inside
        /// A rule lifts the mask, or keeps the column as it is.
        case open
        case unknown
    }

    /// A masked column that decides more of the answer than its own values.
    private struct Deciding {
        let rule: Name
        let label: Name
        let reveals: [RevealRule]
    }

    private struct Blank {
        let columns: Set<ColumnPath>
        let reveals: [RevealRule]
    }

    /// For each output column, the covers over it, the strictest first; empty for an open one.
    let columns: [[Cover]]
    /// For each output column, the rules for places in the documents that it shows.
    let insides: [[MaskRule]]
    private let deciding: [Deciding]
    /// What is computed on these columns is covered whole, so it is computed without them.
    private let blanks: [Blank]
    /// What the name of each column says about its values where no rule does.
    let named: [[NamedValues.Named]]
    /// The name of each column, as a cue to what stands in it.
    let cues: [Meaning]
    /// As they stand in the JSON of every row.
    let names: RowNames
    /// The same for every caller where no rule lifts anything.
    private let settled: MaskView?
    private let known = Mutex<[CallerID: MaskView]>([:])

    /// `isSettled`: examined at load, where a masked column that decides is a problem already.
    init(
        _ examination: Examination, on backend: Name, policy: Policy, isSettled: Bool,
        as form: Tool.RowForm = .auto
    ) {
        let rules = policy.masks.filter { $0.target.applies(to: backend) }
        deciding = rules.compactMap { rule in
            guard !isSettled, !rule.mayFilter, rule.strategy != .keep,
                rule.target.mayDecide(in: examination)
            else {
                return nil
            }
            return Deciding(
                rule: rule.id, label: rule.target.label,
                reveals: policy.reveals(of: rule))
        }
        blanks = rules.compactMap { rule in
            let columns = examination.blankable.filter(rule.target.mayBe)
            guard rule.strategy != .keep, !columns.isEmpty else { return nil }
            return Blank(columns: columns, reveals: policy.reveals(of: rule))
        }
        named = examination.columns.map { Self.named($0, in: examination) }
        cues = examination.columns.map { $0.name.utf8.span.cues(before: $0.name.utf8.count) }
        insides = examination.columns.map { column in
            rules.filter { $0.target.isInside(column, in: examination) }
        }
        names = RowNames(examination.columns, as: form)
        columns = examination.columns.map { column in
            rules.compactMap { rule in
                if rule.target.isInside(column, in: examination) { return nil }
                let standing = rule.target.standing(over: column, in: examination)
                guard standing != .open else { return nil }
                if rule.strategy == .keep, standing == .derived { return nil }
                return Cover(
                    rule: rule, isDerived: standing == .derived, reveals: policy.reveals(of: rule))
            }
            .sorted { $0.strictness > $1.strictness }
        }
        let isSameForAll = columns.allSatisfy { $0.allSatisfy(\.isForAll) }
        settled =
            isSameForAll
            ? MaskView(zip(columns, insides).map { Self.standing($0.first, $0, $1) }) : nil
    }

    /// By what it is called, and by what the columns are called that it is made of.
    private static func named(
        _ column: Column, in examination: Examination
    ) -> [NamedValues.Named] {
        let made = column.origin.map { [$0] } ?? column.sources ?? examination.reads ?? []
        let names = [column.name] + made.map(\.column.text).sorted()
        return names.compactMap { NamedValues.name($0.utf8.span) }
    }

    /// More callers than this and the memory starts anew.
    private static let knownMax = 1_000

    /// What a caller gets. Rules lift masks by issuer, subject and groups, which an id holds.
    func view(of call: ScopedCall) -> MaskView {
        if let settled { return settled }
        let id = call.arrived.caller.id
        if let view = known.withLock({ $0[id] }) { return view }
        let view = view(of: call.caller)
        known.withLock { known in
            if known.count >= Self.knownMax { known = [:] }
            known[id] = view
        }
        return view
    }

    private func view(of caller: Caller) -> MaskView {
        let standings = columns.indices.map { column in
            Self.standing(cover(over: column, for: caller), columns[column], insides[column])
        }
        let lifting = columns.joined().flatMap { $0.lifting(for: caller) }
        return MaskView(standings, reveals: Set(lifting))
    }

    /// The cover to lay over a column for this caller: the strictest that is not lifted.
    func cover(over column: Int, for caller: Caller) -> Cover? {
        columns[column].first { !$0.isLifted(for: caller) }
    }

    private static func standing(
        _ cover: Cover?, _ covers: [Cover], _ insides: [MaskRule]
    ) -> Standing {
        if let cover { return cover.strategy == .keep ? .open : .covered(cover) }
        if !insides.isEmpty { return .inside }
        return covers.isEmpty ? .unknown : .open
    }

    var mayRefuse: Bool { !deciding.isEmpty }

    /// Why this caller may not ask: whoever may ask often finds a masked value out through
    /// whatever it decides.
    func refusal(for caller: Caller) -> Refusal? {
        let found = deciding.filter { deciding in
            !deciding.reveals.contains { $0.holds(for: caller) }
        }
        guard let first = found.first else { return nil }
        return Refusal(
            .maskDeciding,
            "Refused: `\(first.label)` is masked by rule `\(first.rule)`, and the statement filters, joins, orders, groups or changes data by it, or may fail on it. Select it as it is, or leave it out.",
            rules: found.map(\.rule))
    }

    /// The columns without which this caller's values are computed where they may fail.
    func blank(for caller: Caller) -> Set<ColumnPath> {
        var columns: Set<ColumnPath> = []
        for blank in blanks where !blank.reveals.contains(where: { $0.holds(for: caller) }) {
            columns.formUnion(blank.columns)
        }
        return columns
    }

    /// Whether a number in this column may be shown as a text.
    func mayBecomeText(_ column: Int) -> Bool {
        columns[column].isEmpty
            ? !named[column].isEmpty : columns[column].contains { $0.strategy.makesText }
    }
}

/// What one caller, and everybody like them, gets of one operation's columns.
final class MaskView: Sendable {
    /// By column.
    let standings: [MaskPlan.Standing]
    /// The output columns of whose values nothing is shown, by place; empty for none.
    let hidden: [Bool]
    /// The rules that lift covers of columns.
    let reveals: Set<Name>

    fileprivate init(_ standings: [MaskPlan.Standing], reveals: Set<Name> = []) {
        self.standings = standings
        self.reveals = reveals
        let hidden = standings.map { standing in
            if case .covered(let cover) = standing { cover.strategy.hidesAll } else { false }
        }
        self.hidden = hidden.contains(true) ? hidden : []
    }
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
        case .inside(_, let column, let path): path.lastMember ?? column.column
        case .field(let name): name
        case .document(let path): path.lastMember ?? "value"
        }
    }

    /// Whether a column of this target may decide; what is not known may.
    fileprivate func mayDecide(in examination: Examination) -> Bool {
        if case .document = self { return false }
        guard let deciding = examination.deciding ?? examination.reads else { return true }
        return deciding.contains(where: mayBe)
    }

    /// Whether this target may name the base column.
    fileprivate func mayBe(_ column: ColumnPath) -> Bool {
        switch self {
        case .column(_, let path), .inside(_, let path, _): path == column
        case .document: false
        case .field(let name): Self.folded(column.column.text) == Self.folded(name.text)
        }
    }

    func applies(to backend: Name) -> Bool {
        switch self {
        case .column(let owner, _), .inside(let owner, _, _): owner == backend
        case .field: true
        case .document: false
        }
    }

    /// By lineage first; a column whose origin is unknown is covered whenever the masked column
    /// is read anywhere in the statement, or when what it reads is unknown too.
    func standing(over column: Column, in examination: Examination) -> Standing {
        switch self {
        case .document: return .open
        case .column(_, let path), .inside(_, let path, _):
            if let origin = column.origin {
                if origin == path { return .exact }
                return column.sources?.contains(path) == true ? .derived : .open
            }
            guard let sources = column.sources ?? examination.reads else { return .derived }
            return sources.contains(path) ? .derived : .open
        case .field(let name):
            let wanted = Self.folded(name.text)
            let isNamed = Self.folded(column.name) == wanted
            if let origin = column.origin {
                if isNamed || Self.folded(origin.column.text) == wanted { return .exact }
                let isMade = column.sources?.contains { Self.folded($0.column.text) == wanted }
                return isMade == true ? .derived : .open
            }
            guard let sources = column.sources ?? examination.reads else { return .derived }
            if sources.contains(where: { Self.folded($0.column.text) == wanted }) {
                return .derived
            }
            return isNamed ? .exact : .open
        }
    }

    /// Whether the column shows documents as they are, in which this target has its place.
    fileprivate func isInside(_ column: Column, in examination: Examination) -> Bool {
        guard case .inside = self else { return false }
        return standing(over: column, in: examination) == .exact
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
