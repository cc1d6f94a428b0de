import Enforcement
import JSON

/// `--risk SIGN`: the calls of which a sign was made, as `audit risks` would tell them. To know
/// them the whole record is read once more.
struct RiskFilter {
    static let option = "--risk"
    /// As `audit risks` begins to tell.
    static let scoreMin = 50

    private var calls: Set<Name> = []

    /// Nil where nothing was asked.
    init?(_ arguments: Arguments, _ place: RecordPlace) throws {
        guard let text = arguments[Self.option] else { return nil }
        let sign = RiskSign.allCases.first { $0.rawValue.isByteEqual(to: text) }
        guard sign != nil || text.isByteEqual(to: "any") else {
            let signs = RiskSign.allCases.map(\.rawValue).joined(separator: ", ")
            throw UsageError("\(Self.option) takes one of \(signs), or any")
        }
        var watch = RiskWatch()
        var entries = RecordEntries(place)
        while let placed = try entries.next() { watch.take(placed.entry, log: placed.log) }
        self.init(watch, sign)
    }

    /// nil: any sign.
    init(_ watch: RiskWatch, _ sign: RiskSign?) {
        var watch = watch
        watch.finish()
        for (_, finding) in watch.findings where finding.score >= Self.scoreMin {
            guard sign == nil || sign == finding.sign else { continue }
            for call in finding.calls { calls.insert(Self.name(call.log, call.sequence)) }
        }
    }

    func holds(_ entry: RecordedEntry, log: String) -> Bool {
        entry.first.map { calls.contains(Self.name(log, $0.sequence)) } ?? false
    }

    private static func name(_ log: String, _ sequence: Int) -> Name { Name("\(log):\(sequence)") }
}
