internal import Enforcement
internal import JSON

/// Moves the rows of one answer into `Rows`, whole rows only, until a limit is met.
///
/// A row is copied in one piece, and its cells lie in that copy; only what has another form in JSON
/// is written anew.
struct PostgresCells {
    private(set) var rows: Rows
    /// Of all cells, as the server sent them.
    private var spentBytes = 0
    private let forms: [PostgresForm]
    private let shapes: [PostgresForm.Shape]
    let bounds: RowBounds
    private let hidden: [Bool]
    /// What of it cannot be shown; for the record.
    private(set) var fault: String?
    /// Cells of the row at hand that are to be written anew.
    private var odd: [Int] = []

    init(_ plan: PostgresPlan, within bounds: RowBounds) {
        forms = plan.forms
        shapes = plan.shapes
        rows = Rows(columnCount: plan.columns.count, expecting: plan.expected)
        self.bounds = bounds
        hidden = bounds.hidden.count == plan.columns.count ? bounds.hidden : []
    }

    mutating func cut() { rows.isTruncated = true }

    /// False when a limit does not allow the row.
    mutating func append(_ frame: PostgresFrame) -> Bool {
        switch unsafe rows.rowCount < bounds.rows ? place(frame) : .tooMuch {
        case .taken: break
        case .tooMuch:
            rows.isTruncated = true
            return false
        case .broken: fault = fault ?? "a row of another form than announced"
        }
        for index in odd { rewrite(index) }
        odd.removeAll(keepingCapacity: true)
        return true
    }

    private enum Place { case taken, tooMuch, broken }

    /// What stands between the cells is their lengths, which nothing shows.
    private mutating func place(_ frame: PostgresFrame) -> Place {
        guard unsafe frame.int16(at: 0) == shapes.count else { return .broken }
        let (forms, shapes, hidden) = (forms, shapes, hidden)
        let room = bounds.bytes - spentBytes
        let first = rows.cells.count
        var odd = odd
        var isWhole = true
        var held = 0
        unsafe rows.appendRow(copying: frame.body) { copy, start, cells in
            var offset = 2
            // What is hidden is not held: the rest moves up.
            var gap = 0
            for column in shapes.indices {
                let count = unsafe frame.int32(at: offset)
                guard offset &+ 4 &+ max(0, count) <= copy.count else {
                    isWhole = false
                    return nil
                }
                offset &+= 4
                let place = offset &- gap
                let position = start &+ Int32(truncatingIfNeeded: place)
                if count < 0 || !hidden.isEmpty && hidden[column] {
                    let kind = count < 0 ? Rows.Kind.null : forms[column].cellKind
                    unsafe cells[column] = Rows.Cell(kind: kind, start: position, count: 0)
                    offset &+= max(0, count)
                    gap &+= max(0, count)
                    continue
                }
                if gap > 0 {
                    unsafe UnsafeMutableRawBufferPointer(rebasing: copy[place..<(place + count)])
                        .copyMemory(
                            from: UnsafeRawBufferPointer(rebasing: copy[offset..<(offset + count)]))
                }
                unsafe cells[column] = Self.cell(
                    copy, from: place, count: count, shapes[column], at: position)
                if unsafe cells[column].kind == .null { odd.append(first + column) }
                offset &+= count
            }
            held = copy.count - gap
            return held <= room ? held : nil
        }
        guard isWhole else { return .broken }
        guard held <= room else { return .tooMuch }
        self.odd = odd
        spentBytes += held - 2 - 4 * shapes.count
        return .taken
    }

    /// What a text is in JSON as it stands, or with other separators; of no kind where it is to be
    /// written anew.
    @inline(__always)
    private static func cell(
        _ row: UnsafeMutableRawBufferPointer, from start: Int, count: Int,
        _ shape: PostgresForm.Shape, at position: Int32
    ) -> Rows.Cell {
        let bytes = UnsafeRawBufferPointer(row)
        let (kind, isPlain, shown): (Rows.Kind, Bool, Int)
        switch shape {
        case .integer: (kind, isPlain, shown) = (.number, false, count)
        case .number:
            let text = unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<(start + count)])
            let isNumber = unsafe PostgresValue.isNumber(text)
            (kind, isPlain, shown) = (isNumber ? .number : .text, false, count)
        case .text:
            let look = unsafe ByteLook(bytes, from: start, count: count)
            let text = unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<(start + count)])
            let isText = unsafe look.isASCII || PostgresValue.isUTF8(text)
            (kind, isPlain, shown) = (isText ? .text : .null, isText && look.isPlain, count)
        // `2019-01-01 00:00:00+00`
        case .timestampWithZone:
            let text = unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<(start + count)])
            let look = unsafe ByteLook(bytes, from: start, count: count)
            if unsafe look.isASCII && PostgresValue.isPlainUTC(text) {
                unsafe row[start + 10] = UInt8(ascii: "T")
                unsafe row[start + count - 3] = UInt8(ascii: "Z")
                (kind, isPlain, shown) = (.text, look.isPlain, count - 2)
            } else {
                (kind, isPlain, shown) = (.null, false, count)
            }
        case .other: (kind, isPlain, shown) = (.null, false, count)
        }
        return Rows.Cell(
            kind: kind, isPlain: isPlain, start: position, count: Int32(truncatingIfNeeded: shown))
    }

    private mutating func rewrite(_ index: Int) {
        let cell = rows.cells[index]
        let text = rows.content(of: Rows.Cell(kind: .text, start: cell.start, count: cell.count))
        let form = forms[index % forms.count]
        guard let value = unsafe text.withUnsafeBytes({ unsafe PostgresValue.cell($0, form) })
        else {
            fault = form == .text ? "a text that is not UTF-8" : "a value that its type cannot have"
            return
        }
        rows.show(rows.keep(value.kind, value.bytes), at: index)
    }
}
