import JSON

/// Masks the cells of one answer: by the rules for their columns, else by the names of those, else
/// by value. Only cells that change are written anew; a column that is open costs nothing.
struct CellMask {
    private let plan: MaskPlan
    private let values: ValueMasks
    private let wanted: WantedValues
    private var text: TextMask
    private let call: ScopedCall
    /// Made when there is a document.
    private var documents: DocumentMask?
    private let view: MaskView
    /// For columns with rules of their own about places.
    private var insides: [Int: DocumentMask] = [:]
    private(set) var maskedCount = 0
    /// The rules by which something was shown that is masked for others.
    private(set) var reveals: Set<Name> = []

    init(_ plan: MaskPlan, for call: ScopedCall) {
        self.plan = plan
        values = call.guarded.values
        wanted = values.wanted(for: call)
        text = TextMask(values, wanted: wanted)
        self.call = call
        view = plan.view(of: call)
        for column in plan.insides.indices where !plan.insides[column].isEmpty {
            insides[column] = DocumentMask(
                values, call.guarded.policy, for: call.caller, at: plan.insides[column])
        }
    }

    mutating func mask(_ rows: inout Rows) {
        if rows.rowCount > 0 { reveals = view.reveals }
        for column in view.standings.indices {
            switch view.standings[column] {
            case .open: break
            case .unknown: scan(column, of: &rows)
            case .inside: maskInside(column, of: &rows)
            case .covered(let cover): self.cover(column, of: &rows, by: cover)
            }
        }
        if let documents { reveals.formUnion(documents.reveals) }
    }

    private func indices(of column: Int, in rows: borrowing Rows) -> StrideTo<Int> {
        stride(from: column, to: rows.cells.count, by: rows.columnCount)
    }

    private mutating func cover(_ column: Int, of rows: inout Rows, by cover: MaskPlan.Cover) {
        // One copy of what stands for all of them.
        let token = rows.keep(.text, cover.token)
        for index in indices(of: column, in: rows) {
            let cell = rows.cells[index]
            if cell.kind == .null, !cover.coversNull { continue }
            switch cover.strategy {
            case .redact: show(token, at: index, of: &rows)
            case .partial where cell.kind != .json: showPart(of: cell, at: index, of: &rows)
            default:
                let value = covered(cell, of: rows, by: cover)
                replace(index, of: &rows, with: value.kind, value.bytes)
            }
        }
    }

    private mutating func show(_ cell: Rows.Cell, at index: Int, of rows: inout Rows) {
        maskedCount += 1
        rows.show(cell, at: index)
    }

    private mutating func showPart(of cell: Rows.Cell, at index: Int, of rows: inout Rows) {
        let start = Int(cell.start)
        let count = Int(cell.count)
        let shown = Partial.shown(of: rows.bytes.span.extracting(start..<(start + count)))
        show(
            rows.keep(
                cell, head: shown.head, stars: Partial.stars, tail: count - shown.tailStart),
            at: index, of: &rows)
    }

    private mutating func replace(
        _ index: Int, of rows: inout Rows, with kind: Rows.Kind, _ bytes: [UInt8]
    ) {
        show(rows.keep(kind, bytes), at: index, of: &rows)
    }

    private func covered(
        _ cell: Rows.Cell, of rows: borrowing Rows, by cover: MaskPlan.Cover
    ) -> (kind: Rows.Kind, bytes: [UInt8]) {
        let content = rows.content(of: cell)
        switch cover.strategy {
        // Of a document, the last characters are no part of a value that one could know.
        case .keep, .redact, .partial: return (.text, cover.token)
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
    private mutating func scan(_ column: Int, of rows: inout Rows) {
        let named = plan.named[column]
        let cues = plan.cues[column]
        var clean = CleanTexts(rowCount: rows.rowCount)
        for index in indices(of: column, in: rows) {
            let cell = rows.cells[index]
            switch cell.kind {
            case .text:
                if named.isEmpty, cell.count < ValueScanner.bytesMin { continue }
                if clean.hold(cell, of: rows) { continue }
                if let bytes = masked(cell, of: rows, named, cues) {
                    replace(index, of: &rows, with: .text, bytes)
                } else {
                    clean.note(cell)
                }
            case .number:
                guard !named.isEmpty, let bytes = masked(cell, of: rows, named, cues) else {
                    continue
                }
                replace(index, of: &rows, with: .text, bytes)
            case .json: document(cell, index, of: &rows)
            case .null, .bool: break
            }
        }
    }

    /// Nil for what stays as it is, as most values do: they are read where they lie.
    private mutating func masked(
        _ cell: Rows.Cell, of rows: borrowing Rows, _ named: [NamedValues.Named], _ cues: Meaning
    ) -> [UInt8]? {
        let content = rows.bytes.span.extracting(
            Int(cell.start)..<Int(cell.start + cell.count))
        let isNumber = cell.kind == .number
        for place in named.indices {
            if let kind = named[place].kind(of: content, isNumber: isNumber),
                wanted.contains(.kind(kind))
            {
                return values.replacement(for: content, .kind(kind))
            }
        }
        return isNumber ? nil : text.masked(content, around: cues)
    }

    /// A document inside a cell stays as it is written unless something in it is masked.
    private mutating func document(_ cell: Rows.Cell, _ index: Int, of rows: inout Rows) {
        var mask =
            documents
            ?? DocumentMask(values, call.guarded.policy, for: call.caller, at: [])
        documents = nil
        defer { documents = mask }
        if let bytes = Self.masked(rows.content(of: cell), by: &mask) {
            replace(index, of: &rows, withDocument: bytes, .json)
        }
    }

    /// A column of documents, some of whose places are masked.
    private mutating func maskInside(_ column: Int, of rows: inout Rows) {
        guard var mask = insides[column] else { return }
        for index in indices(of: column, in: rows) where rows.cells[index].kind != .null {
            let cell = rows.cells[index]
            guard let bytes = Self.masked(rows.content(of: cell), by: &mask) else { continue }
            replace(index, of: &rows, withDocument: bytes, cell.kind == .json ? .json : .text)
        }
        reveals.formUnion(mask.reveals)
    }

    private mutating func replace(
        _ index: Int, of rows: inout Rows, withDocument bytes: [UInt8], _ kind: Rows.Kind
    ) {
        if bytes.isEmpty {
            replace(index, of: &rows, with: .text, Array("[json]".utf8))
        } else {
            replace(index, of: &rows, with: kind, bytes)
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
