// What of the answer may this caller see?
//
// The only maker of a `MaskedResult`, and that is the only result that can be written as JSON.
// It must never pass a value whose mask cannot be applied: then there is no answer.

import JSON

/// A result as its caller may see it. A class, so that what follows passes on one reference and
/// copies nothing.
package final class MaskedResult: Sendable {
    /// Of the columns of rows; none for the other forms.
    let names: RowNames
    package let content: ResultContent
    /// Of `content`.
    package let rows: Rows
    package let changed: Int?
    /// The arguments that bring the rows behind the last one; nil where none are known.
    let next: JSONObject?
    /// How many values were covered.
    package let maskedCount: Int
    /// The rules by which this caller was shown what others are not.
    let reveals: [Name]
    /// By what its caller can prove it, where the installation gives that.
    package let evidence: RecordEvidence?

    fileprivate init(
        names: RowNames, content: ResultContent, changed: Int?, maskedCount: Int,
        reveals: Set<Name>, next: JSONObject? = nil
    ) {
        self.names = names
        self.content = content
        rows = content.rows
        self.changed = changed
        self.maskedCount = maskedCount
        self.reveals = reveals.isEmpty ? [] : reveals.sorted()
        self.next = next
        evidence = nil
    }

    private init(_ result: MaskedResult, _ evidence: RecordEvidence) {
        names = result.names
        content = result.content
        rows = result.rows
        changed = result.changed
        maskedCount = result.maskedCount
        reveals = result.reveals
        next = result.next
        self.evidence = evidence
    }

    func with(_ evidence: RecordEvidence) -> MaskedResult { MaskedResult(self, evidence) }
}

package struct MaskStage: Sendable {
    /// Takes the answer away from whoever gives it, so that a large one is changed where it lies.
    func apply(
        _ raw: consuming RawResult, to call: ExaminedCall
    ) throws(Refusal) -> MaskedResult {
        let changed = raw.changed
        return switch raw.take() {
        case .rows(let rows): try apply(rows, changed: changed, to: call)
        case let content: covered(content, for: call)
        }
    }

    /// What of a backend's own words this caller may see: a short piece.
    func masked(_ words: String, for call: ExaminedCall) -> String? {
        let guarded = call.scoped.guarded
        var mask = DocumentMask(guarded.values, guarded.policy, for: call.scoped.caller)
        return mask.maskedPiece(of: words, most: 400)
    }

    /// Documents have fields and no columns. A text that is one is treated as one.
    private func covered(_ content: ResultContent, for call: ExaminedCall) -> MaskedResult {
        let guarded = call.scoped.guarded
        var mask = DocumentMask(guarded.values, guarded.policy, for: call.scoped.caller)
        var shown = content
        switch content {
        case .document(let document):
            shown = .document(mask.masked(document, picked: guarded.tool.operation.picks))
        case .text(let text): shown = .text(mask.maskedText(text))
        case .binary, .rows: break
        }
        return MaskedResult(
            names: .none, content: shown, changed: nil, maskedCount: mask.maskedCount,
            reveals: mask.reveals.union(guarded.values.reveals(for: call.scoped)))
    }

    private func apply(
        _ raw: consuming Rows, changed: Int?, to call: ExaminedCall
    ) throws(Refusal) -> MaskedResult {
        let plan = call.masks
        guard plan.columns.count == raw.columnCount else {
            let effect = changed == nil ? "" : "The change was made and stands, but "
            throw Refusal(
                .maskFailed,
                "\(effect)the answer was withheld: its form is not the one that the masks were made for. Do not repeat the call; tell the operator.",
                noted: "\(raw.columnCount) columns, \(plan.columns.count) expected")
        }
        var rows = SchemaFilter.visible(raw, to: call)
        // What a mask writes stands behind all that the backend said.
        let rawBytes = rows.byteCount
        var cells = CellMask(plan, for: call.scoped)
        cells.mask(&rows)
        // A change is made, and all that it says is told.
        if changed == nil { rows.cut(toBytes: call.scoped.tool.limits.bytes) }
        let next = NextPage.arguments(behind: rows, unmasked: rawBytes, of: call)
        return MaskedResult(
            names: plan.names, content: .rows(rows), changed: changed,
            maskedCount: cells.maskedCount,
            reveals: cells.reveals.union(
                call.scoped.guarded.values.reveals(for: call.scoped)),
            next: next)
    }
}
