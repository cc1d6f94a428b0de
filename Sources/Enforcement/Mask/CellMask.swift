import JSON

/// Masks the cells of one answer: by the rules for their columns, else by the names of those, else
/// by value. The rows are written anew only when a cell has changed.
struct CellMask {
    private let raw: Rows
    private let plan: MaskPlan
    private let values: ValueMasks
    private let wanted: WantedValues
    private var text: TextMask
    private var documents: DocumentMask
    /// By column; nil where no rule says anything to this caller.
    private let standings: [Standing]
    /// Of those.
    private let standingReveals: Set<Name>
    /// For columns with rules of their own about places.
    private var insides: [Int: DocumentMask] = [:]
    private var rows: Rows?
    private(set) var maskedCount = 0
    /// The rules by which something was shown that is masked for others.
    private(set) var reveals: Set<Name> = []

    private enum Standing {
        case covered(MaskPlan.Cover)
        /// Places in the column's documents are.
        case inside
        /// A rule lifts the mask, or keeps the column as it is.
        case open
        case unknown
    }

    init(_ raw: Rows, _ plan: MaskPlan, for call: ScopedCall) {
        self.raw = raw
        self.plan = plan
        values = call.guarded.values
        wanted = values.wanted(for: call.caller)
        text = TextMask(values, wanted: wanted)
        documents = DocumentMask(values, call.guarded.policy, for: call.caller, inside: [])
        standingReveals = Set(
            plan.columns.indices.flatMap { plan.reveals(over: $0, for: call.caller) })
        standings = plan.columns.indices.map { column in
            guard let cover = plan.cover(over: column, for: call.caller) else {
                if !plan.insides[column].isEmpty { return .inside }
                return plan.columns[column].isEmpty ? .unknown : .open
            }
            return cover.strategy == .keep ? .open : .covered(cover)
        }
        for column in plan.insides.indices where !plan.insides[column].isEmpty {
            insides[column] = DocumentMask(
                values, call.guarded.policy, for: call.caller, inside: plan.insides[column])
        }
    }

    mutating func masked() -> Rows {
        if raw.rowCount > 0 { reveals = standingReveals }
        for index in raw.cells.indices {
            let cell = raw.cells[index]
            let column = index % raw.columnCount
            switch standings[column] {
            case .open: copy(cell)
            case .unknown: value(cell, index, column)
            case .inside: inside(cell, index, column)
            case .covered(let cover):
                if cell.kind == .null, !cover.coversNull {
                    copy(cell)
                } else {
                    replace(index, with: covered(cell, by: cover))
                }
            }
        }
        reveals.formUnion(documents.reveals)
        return rows ?? raw
    }

    private mutating func copy(_ cell: Rows.Cell) {
        rows?.append(cell.kind, raw.content(of: cell))
    }

    private mutating func replace(_ index: Int, with value: (kind: Rows.Kind, bytes: [UInt8])) {
        maskedCount += 1
        if rows == nil {
            rows = Rows(columnCount: raw.columnCount)
            rows?.isTruncated = raw.isTruncated
            rows?.reserve(cells: raw.cells.count, bytes: raw.byteCount + 64)
            for cell in raw.cells[..<index] { copy(cell) }
        }
        rows?.append(value.kind, value.bytes)
    }

    private func covered(
        _ cell: Rows.Cell, by cover: MaskPlan.Cover
    ) -> (kind: Rows.Kind, bytes: [UInt8]) {
        let content = raw.content(of: cell)
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

    /// A cell that no rule speaks of.
    private mutating func value(_ cell: Rows.Cell, _ index: Int, _ column: Int) {
        if cell.kind == .json { return document(cell, index) }
        guard cell.kind == .text || cell.kind == .number && plan.named[column] != nil else {
            return copy(cell)
        }
        let content = raw.content(of: cell)
        if let kind = plan.named[column]?.kind(of: content.span, isNumber: cell.kind == .number),
            wanted.contains(.kind(kind))
        {
            return replace(index, with: (.text, values.replacement(for: content.span, .kind(kind))))
        }
        guard cell.kind == .text,
            let bytes = text.masked(content.span, around: plan.cues[column])
        else { return copy(cell) }
        replace(index, with: (.text, bytes))
    }

    /// A document inside a cell stays as it is written unless something in it is masked.
    private mutating func document(_ cell: Rows.Cell, _ index: Int) {
        let content = raw.content(of: cell)
        guard let bytes = Self.masked(content, by: &documents) else { return copy(cell) }
        replace(index, with: bytes.isEmpty ? Self.unreadable : (.json, bytes))
    }

    /// A cell of documents, some of whose places are masked.
    private mutating func inside(_ cell: Rows.Cell, _ index: Int, _ column: Int) {
        guard cell.kind != .null, let mask = insides[column] else { return copy(cell) }
        var own = mask
        let content = raw.content(of: cell)
        let bytes = Self.masked(content, by: &own)
        reveals.formUnion(own.reveals)
        guard let bytes else { return copy(cell) }
        let kind: Rows.Kind = cell.kind == .json ? .json : .text
        replace(index, with: bytes.isEmpty ? Self.unreadable : (kind, bytes))
    }

    private static let unreadable: (Rows.Kind, [UInt8]) = (.text, Array("[json]".utf8))

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
