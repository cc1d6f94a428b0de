// What of the answer may this caller see?
//
// The only maker of a `MaskedResult`, and that is the only result that can be written as JSON.
// It must never pass a value whose mask cannot be applied: then there is no answer.

import JSON

/// A result as its caller may see it.
package struct MaskedResult: Sendable {
    /// Of the columns of rows; none for the other forms.
    let names: RowNames
    package let content: ResultContent
    package let changed: Int?
    /// The arguments that bring the rows behind the last one; nil where none are known.
    let next: JSONObject?
    /// How many values were covered.
    package let maskedCount: Int
    /// The rules by which this caller was shown what others are not.
    let reveals: [Name]
    /// By what its caller can prove it, where the installation gives that.
    package internal(set) var evidence: RecordEvidence?

    package var rows: Rows { content.rows }

    fileprivate init(
        names: RowNames, content: ResultContent, changed: Int?, maskedCount: Int,
        reveals: Set<Name>, next: JSONObject? = nil
    ) {
        self.names = names
        self.content = content
        self.changed = changed
        self.maskedCount = maskedCount
        self.reveals = reveals.isEmpty ? [] : reveals.sorted()
        self.next = next
    }
}

package struct MaskStage: Sendable {
    func apply(_ raw: RawResult, to call: ExaminedCall) throws(Refusal) -> MaskedResult {
        switch raw.content {
        case .rows(let rows):
            try apply(SchemaFilter.visible(rows, to: call), changed: raw.changed, to: call)
        case .document, .text, .binary: covered(raw.content, for: call)
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
        _ raw: Rows, changed: Int?, to call: ExaminedCall
    ) throws(Refusal) -> MaskedResult {
        let plan = call.masks
        guard plan.columns.count == raw.columnCount else {
            let effect = changed == nil ? "" : "The change was made and stands, but "
            throw Refusal(
                .maskFailed,
                "\(effect)the answer was withheld: its form is not the one that the masks were made for. Do not repeat the call; tell the operator.",
                noted: "\(raw.columnCount) columns, \(plan.columns.count) expected")
        }
        var cells = CellMask(raw, plan, for: call.scoped)
        cells.mask()
        // A change is made, and all that it says is told.
        if changed == nil { cells.cut(toBytes: call.scoped.tool.limits.bytes) }
        return MaskedResult(
            names: plan.names, content: .rows(cells.rows), changed: changed,
            maskedCount: cells.maskedCount,
            reveals: cells.reveals.union(
                call.scoped.guarded.values.reveals(for: call.scoped)),
            next: NextPage.arguments(behind: cells.rows, unmasked: raw, of: call))
    }
}

/// Enough of a value to recognise it, too little to use it.
enum Partial {
    /// `ada@example.com` keeps its first letter and its domain; anything else of at least eight
    /// characters keeps its last four; less keeps nothing.
    static func masked(_ value: ArraySlice<UInt8>) -> [UInt8] {
        let stars = Array("***".utf8)
        if let at = value.lastIndex(of: UInt8(ascii: "@")), at > value.startIndex,
            isDomain(value[(at + 1)...])
        {
            let first = value[value.startIndex]
            return (first < 0x80 ? [first] : []) + stars + value[at...]
        }
        let characters = value.lazy.filter { $0 & 0xC0 != 0x80 }.count
        guard characters >= 8 else { return stars }
        var start = value.endIndex
        for _ in 0..<4 {
            start -= 1
            while value[start] & 0xC0 == 0x80 { start -= 1 }
        }
        return stars + value[start...]
    }

    /// Without this `p@ssword` would show all but nothing. Two labels at least, none empty.
    private static func isDomain(_ text: ArraySlice<UInt8>) -> Bool {
        var dots = 0
        var length = 0
        for byte in text {
            if byte == UInt8(ascii: ".") {
                if length == 0 { return false }
                dots += 1
                length = 0
            } else {
                guard byte.isWord || byte == UInt8(ascii: "-") || byte >= 0x80 else { return false }
                length += 1
            }
        }
        return dots > 0 && length > 0
    }
}
