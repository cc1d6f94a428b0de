import Backends
import Enforcement
import JSON

/// The relations of a database that have masked columns, and where the database's own code may
/// carry those past the masks.
struct MaskedRelations {
    private let relations: Set<Name>

    /// `columns`: of each `schema.relation`.
    init(_ masks: [MaskRule], on backend: Name, _ columns: [Name: Set<Name>]) {
        var found: Set<Name> = []
        for rule in masks where rule.strategy != .keep {
            switch rule.target {
            case .column(let owner, let path), .inside(let owner, let path, _):
                guard owner == backend else { continue }
                found.insert(Name("\(path.schema).\(path.table)"))
            case .field(let name):
                let wanted = MaskRule.Target.folded(name.text)
                for (relation, names) in columns
                where names.contains(where: { MaskRule.Target.folded($0.text) == wanted }) {
                    found.insert(relation)
                }
            case .document: break
            }
        }
        relations = found
    }

    /// What a statement's lineage cannot know, one line each.
    func risks(of code: [OwnCode]) -> [String] {
        guard !relations.isEmpty else { return [] }
        return code.compactMap { code in
            let relation = quoted(code.relation.text)
            let name = quoted(code.name.text)
            switch code.kind {
            case .trigger, .rule:
                guard relations.contains(code.relation) else { return nil }
                return
                    "\(code.kind.rawValue) \(name) on \(relation) sees masked columns and may copy them to where no mask is; what reads them there cannot be followed. Mask every column that it writes"
            case .policy:
                guard relations.contains(code.relation) else { return nil }
                return
                    "policy \(name) on \(relation) calls a function, which may choose rows by a masked column, so that the rows tell its value. Choose them by columns that are not masked"
            case .column:
                return
                    "column \(name) of \(relation) is filled by a function, which may read masked columns; what reads it later cannot be followed. If it does, mask that column too"
            }
        }
    }
}
