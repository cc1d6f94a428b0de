import JSON

/// Masks the cells of one answer: by the rules for their columns, else by the names of those, else
/// by value. Only cells that change are written anew; a column that is open costs nothing.
struct CellMask {
    private(set) var rows: Rows
    private let plan: MaskPlan
    private let values: ValueMasks
    private let wanted: WantedValues
    private var text: TextMask
    private let call: ScopedCall
    /// Made when there is a document.
    private var documents: DocumentMask?
    /// By column; nil where no rule says anything to this caller.
    private let standings: [MaskPlan.Standing]
    /// Of those.
    private let standingReveals: Set<Name>
    /// For columns with rules of their own about places.
    private var insides: [Int: DocumentMask] = [:]
    private(set) var maskedCount = 0
    /// The rules by which something was shown that is masked for others.
    private(set) var reveals: Set<Name> = []

    init(_ raw: Rows, _ plan: MaskPlan, for call: ScopedCall) {
        rows = raw
        self.plan = plan
        values = call.guarded.values
        wanted = values.wanted(for: call)
        text = TextMask(values, wanted: wanted)
        self.call = call
        standingReveals = plan.reveals(for: call)
        standings = plan.standings(for: call)
        for column in plan.insides.indices where !plan.insides[column].isEmpty {
            insides[column] = DocumentMask(
                values, call.guarded.policy, for: call.caller, at: plan.insides[column])
        }
    }

    mutating func mask() {
        if rows.rowCount > 0 { reveals = standingReveals }
        for column in standings.indices {
            switch standings[column] {
            case .open: break
            case .unknown: scan(column)
            case .inside: maskInside(column)
            case .covered(let cover): self.cover(column, by: cover)
            }
        }
        if let documents { reveals.formUnion(documents.reveals) }
    }

    /// To what may be told at once.
    mutating func cut(toBytes limit: Int) { rows.cut(toBytes: limit) }

    private func indices(of column: Int) -> StrideTo<Int> {
        stride(from: column, to: rows.cells.count, by: rows.columnCount)
    }

    private mutating func cover(_ column: Int, by cover: MaskPlan.Cover) {
        // One copy of what stands for all of them.
        let token = rows.keep(.text, cover.token)
        for index in indices(of: column) {
            let cell = rows.cells[index]
            if cell.kind == .null, !cover.coversNull { continue }
            if cover.strategy == .redact {
                maskedCount += 1
                rows.show(token, at: index)
                continue
            }
            let value = covered(cell, by: cover)
            replace(index, with: value.kind, value.bytes)
        }
    }

    private mutating func replace(_ index: Int, with kind: Rows.Kind, _ bytes: [UInt8]) {
        maskedCount += 1
        rows.show(rows.keep(kind, bytes), at: index)
    }

    private func covered(
        _ cell: Rows.Cell, by cover: MaskPlan.Cover
    ) -> (kind: Rows.Kind, bytes: [UInt8]) {
        let content = rows.content(of: cell)
        switch cover.strategy {
        case .keep, .redact: return (.text, cover.token)
        // Of a document, the last characters are no part of a value that one could know.
        case .partial where cell.kind == .json: return (.text, cover.token)
        case .partial: return (.text, Partial.masked(content))
        case .pseudonym:
            return (.text, cover.strategy.token(for: content.span, cover.label, values))
        case .null: return (.null, [])
        case .zero:
            switch cell.kind {
            case .number: return (.number, [UInt8(ascii: "0")])
            case .bool: return (.bool, Array("false".utf8))
            case .json: return (.json, Array("null".utf8))
            case .text, .null: return (.text, [])
            }
        }
    }

    /// A column that no rule speaks of.
    private mutating func scan(_ column: Int) {
        let named = plan.named[column]
        let cues = plan.cues[column]
        for index in indices(of: column) {
            let cell = rows.cells[index]
            switch cell.kind {
            case .text: scan(cell, index, named, cues)
            case .number where !named.isEmpty: scan(cell, index, named, cues)
            case .json: document(cell, index)
            case .null, .bool, .number: break
            }
        }
    }

    private mutating func scan(
        _ cell: Rows.Cell, _ index: Int, _ named: [NamedValues.Named], _ cues: Meaning
    ) {
        let content = rows.content(of: cell)
        let isNumber = cell.kind == .number
        for named in named {
            guard let kind = named.kind(of: content.span, isNumber: isNumber),
                wanted.contains(.kind(kind))
            else { continue }
            return replace(index, with: .text, values.replacement(for: content.span, .kind(kind)))
        }
        guard !isNumber, let bytes = text.masked(content.span, around: cues) else { return }
        replace(index, with: .text, bytes)
    }

    /// A document inside a cell stays as it is written unless something in it is masked.
    private mutating func document(_ cell: Rows.Cell, _ index: Int) {
        var mask =
            documents
            ?? DocumentMask(values, call.guarded.policy, for: call.caller, at: [])
        documents = nil
        defer { documents = mask }
        if let bytes = Self.masked(rows.content(of: cell), by: &mask) {
            replace(index, withDocument: bytes, .json)
        }
    }

    /// A column of documents, some of whose places are masked.
    private mutating func maskInside(_ column: Int) {
        guard var mask = insides[column] else { return }
        for index in indices(of: column) where rows.cells[index].kind != .null {
            let cell = rows.cells[index]
            guard let bytes = Self.masked(rows.content(of: cell), by: &mask) else { continue }
            replace(index, withDocument: bytes, cell.kind == .json ? .json : .text)
        }
        reveals.formUnion(mask.reveals)
    }

    private mutating func replace(_ index: Int, withDocument bytes: [UInt8], _ kind: Rows.Kind) {
        if bytes.isEmpty {
            replace(index, with: .text, Array("[json]".utf8))
        } else {
            replace(index, with: kind, bytes)
        }
    }

    /// Nil where nothing is masked, empty where the document cannot be read: then it cannot be
    /// masked either, and is not shown.
    private static func masked(
        _ content: ArraySlice<UInt8>, by mask: inout DocumentMask
    ) -> [UInt8]? {
        let limits = JSONLimits(bytes: content.count)
        guard let document = try? JSONParser.parse(content, limits: limits) else { return [] }
        let countBefore = mask.maskedCount
        let masked = mask.masked(document)
        return mask.maskedCount > countBefore ? masked.bytes : nil
    }
}
