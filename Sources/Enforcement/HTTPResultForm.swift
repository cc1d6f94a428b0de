package import JSON

extension HTTPOperation {
    /// What of the response becomes the answer.
    package struct ResultForm: Sendable {
        package enum Kind: String, Sendable, CaseIterable { case json, text, binary }

        package var kind: Kind
        /// The members of the answer and where their values stand; the whole document where none.
        package var picks: [(name: String, path: DocumentPath)]
        /// What the answer must fit before any mask, as declared and compiled.
        package var schema: JSONValue?
        package var check: JSONSchema?
        /// Whether a short piece of the text of an error is told, masked.
        package var tellsErrorText: Bool

        package init(
            kind: Kind = .json, picks: [(name: String, path: DocumentPath)] = [],
            schema: JSONValue? = nil, check: JSONSchema? = nil, tellsErrorText: Bool = false
        ) {
            self.kind = kind
            self.picks = picks
            self.schema = schema
            self.check = check
            self.tellsErrorText = tellsErrorText
        }
    }
}

/// A place in a document: `$.items[*].id`.
package struct DocumentPath: Sendable, Hashable {
    package enum Step: Sendable, Hashable {
        case member(Name)
        case element(Int)
        /// Every element; the value is then a list.
        case every
    }

    package var steps: [Step]

    package init(_ steps: [Step]) { self.steps = steps }

    /// The name that tells a reader what stands there.
    package var lastMember: Name? {
        for case .member(let name) in steps.reversed() { return name }
        return nil
    }

    /// Nil where nothing stands there.
    package func value(in document: JSONValue) -> JSONValue? {
        Self.value(in: document, steps[...])
    }

    private static func value(in value: JSONValue, _ steps: ArraySlice<Step>) -> JSONValue? {
        guard let step = steps.first else { return value }
        let rest = steps.dropFirst()
        switch step {
        case .member(let name): return value[name.text].flatMap { self.value(in: $0, rest) }
        case .element(let index):
            guard let values = value.array, values.indices.contains(index) else { return nil }
            return self.value(in: values[index], rest)
        case .every:
            return value.array.map { .array($0.compactMap { self.value(in: $0, rest) }) }
        }
    }
}
