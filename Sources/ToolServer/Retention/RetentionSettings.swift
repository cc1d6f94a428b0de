import Enforcement
import JSON

/// How long the record keeps the lines of calls, as `server.json` declares it.
package struct RetentionSettings: Sendable {
    /// Calls by what their lines say; all that is given must hold.
    struct Selection: Sendable {
        var effect: Tool.Effect?
        var tag: Name?
        /// These may be globs.
        var names: [(field: Field, pattern: Name)] = []

        enum Field: String, CaseIterable, Sendable { case tool, backend, caller, person }

        func holds(_ entry: RecordedEntry) -> Bool {
            if let effect {
                guard entry.text("effect")?.isByteEqual(to: effect.rawValue) == true else {
                    return false
                }
            }
            if let tag {
                guard entry.lines.contains(where: { $0.names("tags").contains { Name($0) == tag } })
                else { return false }
            }
            return names.allSatisfy { field, pattern in
                let text =
                    switch field {
                    case .caller: entry.subject
                    case .person: entry.person
                    case .tool, .backend: entry.text(field.rawValue)
                    }
                return text.map { Glob.matches(pattern.text, $0) } ?? false
            }
        }
    }

    struct Class: Sendable {
        var selection: Selection
        var days: Int
    }

    struct Hold: Sendable {
        var name: Name
        var selection: Selection
    }

    /// Of what is of no class.
    var days: Int
    /// The first that fits decides.
    var classes: [Class] = []
    /// What is held is never removed.
    var holds: [Hold] = []

    /// What the installation itself did is kept for good.
    private static let kept: Set<Name> = [
        "start", "stop", "reload", "revoke", "keys", "stream", "removed",
        "destroyed", "recovered",
    ]

    /// Whether these lines may go at a moment, in seconds since 1970.
    func isOver(_ entry: RecordedEntry, at now: Int) -> Bool {
        guard let last = entry.lines.last, !entry.isCall || entry.outcome != nil,
            !Self.kept.contains(Name(last.event)),
            let ended = RecordTime.microseconds(last.at)
        else { return false }
        let days = classes.first { $0.selection.holds(entry) }?.days ?? days
        guard ended / 1_000_000 + days * Calendar.day <= now else { return false }
        return !holds.contains { $0.selection.holds(entry) }
    }
}

/// Reads `retention`.
enum RetentionManifest {
    static let keys = KeySet(required: ["days"], optional: ["classes", "holds"])
    static let selectionKeys =
        ["effect", "tag"]
        + RetentionSettings.Selection.Field.allCases.map(
            \.rawValue)
    static let classKeys = KeySet(required: ["days"], optional: selectionKeys)
    static let holdKeys = KeySet(required: ["hold"], optional: selectionKeys)
    private static let daysMost = 36_500
    private static let countMax = 64

    static func read(_ node: Node) -> RetentionSettings? {
        guard let object = node.object(keys) else { return nil }
        let days = object["days"]?.int(in: 1...daysMost)
        let classes = elements(object["classes"], classKeys) { object, selection in
            (object["days"]?.int(in: 1...daysMost)).map {
                RetentionSettings.Class(selection: selection, days: $0)
            }
        }
        let holds = elements(object["holds"], holdKeys) { object, selection in
            object["hold"]?.name().map { RetentionSettings.Hold(name: $0, selection: selection) }
        }
        guard let days, let classes, let holds else { return nil }
        return RetentionSettings(days: days, classes: classes, holds: holds)
    }

    private static func elements<Element>(
        _ node: Node?, _ keys: KeySet,
        _ make: (ObjectReader, RetentionSettings.Selection) -> Element?
    ) -> [Element]? {
        guard let node else { return [] }
        guard let elements = node.elements() else { return nil }
        if elements.count > countMax { node.report("must have at most \(countMax) entries") }
        let made = elements.compactMap { element in
            element.object(keys).flatMap { object in
                selection(object, element).flatMap { make(object, $0) }
            }
        }
        return made.count == elements.count ? made : nil
    }

    private static func selection(
        _ object: ObjectReader, _ node: Node
    ) -> RetentionSettings.Selection? {
        var selection = RetentionSettings.Selection()
        if let effect = object["effect"] {
            guard let read = effect.choice(of: Tool.Effect.self) else { return nil }
            selection.effect = read
        }
        if let tag = object["tag"] {
            guard let read = tag.name() else { return nil }
            selection.tag = read
        }
        for field in RetentionSettings.Selection.Field.allCases {
            guard let given = object[field.rawValue] else { continue }
            guard let read = given.identity() else { return nil }
            selection.names.append((field, read))
        }
        guard selectionKeys.contains(where: { object[$0] != nil }) else {
            node.report("must name one of \(quoted(selectionKeys))")
            return nil
        }
        return selection
    }
}
