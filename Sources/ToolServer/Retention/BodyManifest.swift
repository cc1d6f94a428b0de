import Enforcement
import JSON

/// Reads `bodies`: of which tools answers are kept beside the record, and for how long.
enum BodyManifest {
    static let keys = KeySet(required: ["days"], optional: ["bytes", "keep"])
    private static let selectionKeys = ["effect", "tag", "tool", "backend"]
    static let keepKeys = KeySet(required: [], optional: selectionKeys + ["days", "bytes"])
    private static let bytesUsual = 256 << 10
    private static let countMax = 64

    static func read(_ node: Node) -> BodyKeeping? {
        guard let object = node.object(keys),
            let term = term(object, BodyTerm(days: 0, bytes: bytesUsual)), term.days > 0
        else { return nil }
        guard let keep = object["keep"] else { return BodyKeeping([.init(term: term)]) }
        guard let elements = keep.elements() else { return nil }
        if elements.isEmpty || elements.count > countMax {
            keep.report("must have from 1 to \(countMax) entries; leave it out to keep all answers")
        }
        let rules = elements.compactMap { rule($0, term) }
        return rules.count == elements.count ? BodyKeeping(rules) : nil
    }

    /// What is not said is as `usual` has it.
    private static func term(_ object: ObjectReader, _ usual: BodyTerm) -> BodyTerm? {
        var days: Int? = usual.days
        var bytes: Int? = usual.bytes
        if let node = object["days"] { days = node.int(in: 1...BodyKey.ID.daysMost) }
        if let node = object["bytes"] { bytes = node.int(in: 1...BodyTerm.bytesMost) }
        guard let days, let bytes else { return nil }
        return BodyTerm(days: days, bytes: bytes)
    }

    private static func rule(_ node: Node, _ usual: BodyTerm) -> BodyKeeping.Rule? {
        guard let object = node.object(keepKeys), let term = term(object, usual) else {
            return nil
        }
        var rule = BodyKeeping.Rule(term: term)
        if let effect = object["effect"] {
            guard let read = effect.choice(of: Tool.Effect.self) else { return nil }
            rule.effect = read
        }
        if let tag = object["tag"] {
            guard let read = tag.name() else { return nil }
            rule.tag = read
        }
        if let tool = object["tool"] {
            guard let read = tool.identity() else { return nil }
            rule.tool = read
        }
        if let backend = object["backend"] {
            guard let read = backend.identity() else { return nil }
            rule.backend = read
        }
        guard selectionKeys.contains(where: { object[$0] != nil }) else {
            node.report("must name one of \(quoted(selectionKeys))")
            return nil
        }
        return rule
    }

    /// Without its line nobody could find an answer, nor prove it.
    static func check(
        _ bodies: BodyKeeping, beside retention: RetentionSettings, at node: Node
    ) {
        let fewest = retention.classes.map(\.days).reduce(retention.days, min)
        guard bodies.daysMax > fewest else { return }
        node.report(
            "keeps answers for \(bodies.daysMax) days, and `retention` keeps some lines for \(fewest): an answer must not outlive the line that tells of it. Use at most \(fewest) days"
        )
    }
}
