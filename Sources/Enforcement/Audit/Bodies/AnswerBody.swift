// What was a caller told?
//
// Where the installation says so, an answer is kept beside the record as it was told: after the
// masks, encrypted, and by its line in the record it can be proved. It must never hold what the
// caller was not shown, so it can be made of nothing but a masked result.

package import JSON

/// For how long answers of a tool are kept, and how long they may be.
package struct BodyTerm: Sendable, Equatable {
    package let days: Int
    package let bytes: Int

    /// Longer answers are never kept.
    package static let bytesMost = 4 << 20

    package init(days: Int, bytes: Int) {
        self.days = days
        self.bytes = min(bytes, Self.bytesMost)
    }
}

/// Of which tools answers are kept.
package struct BodyKeeping: Sendable {
    package struct Rule: Sendable {
        package var effect: Tool.Effect?
        package var tag: Name?
        /// These may be globs.
        package var tool: Name?
        package var backend: Name?
        package var term: BodyTerm

        package init(
            effect: Tool.Effect? = nil, tag: Name? = nil, tool: Name? = nil, backend: Name? = nil,
            term: BodyTerm
        ) {
            self.effect = effect
            self.tag = tag
            self.tool = tool
            self.backend = backend
            self.term = term
        }

        /// All that is given must hold.
        func fits(_ tool: Tool) -> Bool {
            (effect.map { $0 == tool.effect } ?? true)
                && (tag.map { tool.tags.contains($0) } ?? true)
                && (self.tool.map { Glob.matches($0.text, tool.name.text) } ?? true)
                && (backend.map { Glob.matches($0.text, tool.backend.text) } ?? true)
        }
    }

    /// The first that fits decides.
    package let rules: [Rule]

    package init(_ rules: [Rule]) { self.rules = rules }

    package func term(for tool: Tool) -> BodyTerm? { rules.first { $0.fits(tool) }?.term }

    /// The longest time that anything is kept.
    package var daysMax: Int { rules.map(\.term.days).max() ?? 0 }
}

/// One answer on its way to the disk.
package final class AnswerBody: Sendable {
    /// The call's id.
    package let call: String
    package let days: Int
    /// Nil where it is longer than may be kept.
    package let bytes: [UInt8]?

    /// Nil for an outcome that is no answer.
    init?(
        _ outcome: Outcome, of call: String, under term: BodyTerm, aside: (any Aside)?
    ) async {
        guard case .answered(let result) = outcome else { return nil }
        self.call = call
        days = term.days
        guard !result.content.isWrittenLonger(than: term.bytes) else {
            bytes = nil
            return
        }
        let whole =
            if let aside, result.content.isLarger(than: inlineBytesMax) {
                await aside.run { AnswerJSON.whole(result) }
            } else { AnswerJSON.whole(result) }
        bytes = whole.count <= term.bytes ? whole : nil
    }
}

extension ResultContent {
    /// Whether what is shown of it alone is longer. Rows may hold bytes that no cell shows.
    fileprivate func isWrittenLonger(than bytes: Int) -> Bool {
        switch self {
        case .rows(let rows): rows.cells.reduce(0) { $0 + Int($1.count) } > bytes
        case .document, .text: isLarger(than: bytes)
        case .binary(let content, _): content.count > bytes
        }
    }
}

extension AnswerJSON {
    /// An answer of any form: a document as it is, rows under `rows`; a text under `text`, bytes
    /// under `data`.
    package static func whole(_ result: MaskedResult) -> [UInt8] {
        var writer = JSONWriter(reserving: 64 + 2 * result.rows.byteCount)
        switch result.content {
        case .rows, .document: AnswerJSON(result)?.write(into: &writer)
        case .text(let text):
            writer.beginObject()
            writer.member("text", text)
            writer.endObject()
        case .binary(let bytes, let mediaType):
            writer.beginObject()
            writer.member("data", Base64.encode(bytes))
            writer.member("mediaType", mediaType)
            writer.endObject()
        }
        return writer.finish()
    }
}
