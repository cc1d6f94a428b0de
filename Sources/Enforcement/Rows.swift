package import JSON

/// What a backend answered, before any mask. It cannot be written as JSON; only what the mask
/// stage makes of it can.
package struct RawResult: Sendable {
    package var content: ResultContent
    /// Rows changed, for operations that change data.
    package var changed: Int?

    package init(rows: Rows, changed: Int? = nil) {
        content = .rows(rows)
        self.changed = changed
    }

    package init(_ content: ResultContent) { self.content = content }

    package var rows: Rows {
        get { content.rows }
        set { content = .rows(newValue) }
    }

    /// Its content, of which nothing stays here.
    mutating func take() -> ResultContent {
        defer { content = .text("") }
        return content
    }
}

/// The forms that an answer can have.
package enum ResultContent: Sendable {
    case rows(Rows)
    case document(JSONValue)
    case text(String)
    case binary([UInt8], mediaType: String)

    /// None for the forms that are no table.
    package var rows: Rows {
        if case .rows(let rows) = self { rows } else { Rows(columnCount: 0) }
    }
}

/// How much of an answer a backend may hold, whole rows only.
///
/// The limit of bytes of a tool counts what is told, after the masks: a value that a mask makes
/// short takes the room of what stands in its place. What is held before is bounded apart. The rows
/// of a change cannot be cut any more once it is made, so theirs are counted as they come.
package struct RowBounds: Sendable {
    package let rows: Int
    package let bytes: Int
    /// By place, columns of whose values nothing is shown; empty where there are none. They are not
    /// held, and take the same room however long they are.
    package let hidden: [Bool]

    package init(_ limits: ToolLimits, for effect: Tool.Effect, hidden: [Bool] = []) {
        rows = max(0, limits.rows)
        let told = max(0, limits.bytes)
        bytes = effect == .write ? told : told + min(3 * told, 8 << 20)
        self.hidden = hidden
    }
}

/// A table of cells in one buffer: two allocations a result, none a cell.
@usableFromInline
package struct Rows: Sendable {
    @usableFromInline
    package enum Kind: UInt8, Sendable {
        case null
        case bool
        /// A JSON number as text, exactly as the backend has it.
        case number
        /// UTF-8 text, not yet quoted.
        case text
        /// One whole JSON value, not a scalar of the kinds above.
        case json
    }

    /// A slice of `bytes`.
    @usableFromInline
    package struct Cell: Sendable, Equatable {
        @usableFromInline package var kind: Kind
        /// Whether it was seen to be a text that JSON has as it stands, with nothing to escape.
        @usableFromInline package var isPlain: Bool
        @usableFromInline package var start: Int32
        @usableFromInline package var count: Int32

        @inlinable @inline(__always)
        package init(kind: Kind, isPlain: Bool = false, start: Int32, count: Int32) {
            self.kind = kind
            self.isPlain = isPlain
            self.start = start
            self.count = count
        }
    }

    package private(set) var bytes: [UInt8]
    package private(set) var cells: [Cell]
    package let columnCount: Int
    /// Set when the backend had more than the tool's limits allow.
    package var isTruncated: Bool

    /// `expecting`: how many cells and bytes the last answer of its kind had.
    package init(columnCount: Int, expecting: (cells: Int, bytes: Int) = (0, 0)) {
        bytes = []
        cells = []
        // At least what a look-up of a row or two takes; larger results grow from here.
        bytes.reserveCapacity(max(columnCount * 32, expecting.bytes))
        cells.reserveCapacity(max(columnCount * 2, expecting.cells))
        self.columnCount = columnCount
        isTruncated = false
    }

    package var rowCount: Int { columnCount == 0 ? 0 : cells.count / columnCount }
    package var byteCount: Int { bytes.count }

    package mutating func appendNull() {
        cells.append(Cell(kind: .null, start: Int32(bytes.count), count: 0))
    }

    /// A value of which only the kind is known, and is not to be shown.
    package mutating func appendHidden(_ kind: Kind) {
        cells.append(Cell(kind: kind, start: Int32(bytes.count), count: 0))
    }

    /// Leaves out the rows behind those that fit, a comma a cell counted.
    mutating func cut(toBytes limit: Int) {
        var spent = 0
        for row in 0..<rowCount {
            let start = row * columnCount
            for cell in cells[start..<(start + columnCount)] {
                spent += cell.kind == .null ? 4 : Int(cell.count) + 1
            }
            guard spent > limit else { continue }
            cells.removeLast(cells.count - start)
            isTruncated = true
            return
        }
    }

    /// `bytes` of kind `.text` must be valid UTF-8; of the other kinds, JSON.
    package mutating func append(_ kind: Kind, _ content: some Collection<UInt8>) {
        cells.append(keep(kind, content))
    }

    /// Takes a whole row in one piece: `place` writes a cell for each column, and may change the
    /// copy of the row that they lie in, and answers how much of that is to be held; nil takes the
    /// row back. What no cell covers is never shown.
    @unsafe
    package mutating func appendRow(
        copying row: UnsafeRawBufferPointer,
        place: (
            _ copy: UnsafeMutableRawBufferPointer, _ start: Int32,
            _ cells: UnsafeMutableBufferPointer<Cell>
        ) -> Int?
    ) {
        let start = bytes.count
        unsafe bytes.append(contentsOf: row)
        var held: Int?
        unsafe bytes.withUnsafeMutableBytes { all in
            let copy = unsafe UnsafeMutableRawBufferPointer(rebasing: all[start...])
            cells.append(addingCapacity: columnCount) { output in
                unsafe output.withUnsafeMutableBufferPointer { room, count in
                    let cells = unsafe UnsafeMutableBufferPointer(rebasing: room[count...])
                    unsafe held = place(copy, Int32(start), cells)
                    if held != nil { count += columnCount }
                }
            }
        }
        if held != row.count { bytes.removeLast(row.count - (held ?? 0)) }
    }

    /// Content that no cell shows yet.
    package mutating func keep(_ kind: Kind, _ content: some Collection<UInt8>) -> Cell {
        let start = bytes.count
        bytes.append(contentsOf: content)
        let count = bytes.count - start
        let isPlain = unsafe bytes.withUnsafeBytes { bytes in
            unsafe kind == .text && ByteLook(bytes, from: start, count: count).isPlain
        }
        return Cell(kind: kind, isPlain: isPlain, start: Int32(start), count: Int32(count))
    }

    /// The same of the first bytes and the last ones of a text that is here, with stars between
    /// them.
    package mutating func keep(_ text: Cell, head: Int, stars: Int, tail: Int) -> Cell {
        let start = bytes.count
        let (textStart, textEnd) = (Int(text.start), Int(text.start) + Int(text.count))
        let count = head + stars + tail
        precondition(head >= 0 && tail >= 0 && head + tail <= Int(text.count))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: "*"), count: count))
        unsafe bytes.withUnsafeMutableBytes { all in
            guard let base = all.baseAddress else { return }
            unsafe (base + start).copyMemory(from: base + textStart, byteCount: head)
            unsafe (base + start + head + stars).copyMemory(
                from: base + textEnd - tail, byteCount: tail)
        }
        return Cell(kind: .text, isPlain: text.isPlain, start: Int32(start), count: Int32(count))
    }

    /// Shows other content in the place of a cell; the others stay where they are.
    package mutating func show(_ cell: Cell, at index: Int) { cells[index] = cell }

    package subscript(row row: Int, column column: Int) -> Cell {
        cells[row * columnCount + column]
    }

    package func content(of cell: Cell) -> ArraySlice<UInt8> {
        bytes[Int(cell.start)..<Int(cell.start + cell.count)]
    }
}
