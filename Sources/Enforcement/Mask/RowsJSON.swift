import JSON

/// Rows as `{"rows":[{…}],"changed":1,"truncated":true}` or, as a table,
/// `{"columns":[…],"rows":[[…]],…}`; or either as the content of a string.
///
/// Large answers are most of what a call costs: what is the same in every row is made once, and a
/// cell costs the copy of its bytes.
struct RowsJSON {
    private let rows: Rows
    private let names: RowNames.Line
    private let changed: Int?
    private let next: [UInt8]?
    private let inString: Bool

    init(_ result: MaskedResult, inString: Bool) {
        rows = result.rows
        names = result.names.line(for: result.rows, inString: inString)
        changed = result.changed
        next = result.next.map { JSONValue.object($0).bytes }
        self.inString = inString
    }

    func write(into writer: inout JSONWriter) {
        writeQuote(into: &writer)
        if names.ends.isEmpty {
            write("{", into: &writer)
        } else {
            unsafe names.head.withUnsafeBytes { head in
                writer.write(atMost: head.count) { pen in unsafe pen.copy(head) }
            }
            writeRows(into: &writer)
            write(rows.isTruncated ? "],\"truncated\":true" : "]", into: &writer)
        }
        if let next {
            write(",\"next\":", into: &writer)
            write(document: next, into: &writer)
        }
        if let changed {
            write(names.ends.isEmpty ? "\"changed\":" : ",\"changed\":", into: &writer)
            let digits = String(changed).utf8
            writer.write(atMost: digits.count) { pen in
                for digit in digits { pen.byte(digit) }
            }
        }
        write("}", into: &writer)
        writeQuote(into: &writer)
    }

    private func write(document: [UInt8], into writer: inout JSONWriter) {
        unsafe document.withUnsafeBytes { bytes in
            writer.write(atMost: unsafe JSONPen.bytesMax(for: bytes)) { pen in
                if inString { unsafe pen.escaped(bytes) } else { unsafe pen.copy(bytes) }
            }
        }
    }

    /// Around the whole.
    private func writeQuote(into writer: inout JSONWriter) {
        if inString { writer.write(atMost: 1) { pen in pen.byte(UInt8(ascii: "\"")) } }
    }

    private func write(_ piece: StaticString, into writer: inout JSONWriter) {
        writer.write(atMost: 2 * piece.utf8CodeUnitCount) { pen in
            piece.withUTF8Buffer { bytes in
                let bytes = UnsafeRawBufferPointer(bytes)
                if inString { unsafe pen.escaped(bytes) } else { unsafe pen.copy(bytes) }
            }
        }
    }

    private func writeRows(into writer: inout JSONWriter) {
        unsafe rows.cells.withUnsafeBufferPointer { cells in
            unsafe rows.bytes.withUnsafeBytes { bytes in
                unsafe names.padded.withUnsafeBytes { words in
                    unsafe names.ends.withUnsafeBufferPointer { ends in
                        for row in 0..<rows.rowCount {
                            let start = row * ends.count
                            let line = unsafe UnsafeBufferPointer(
                                rebasing: cells[start..<(start + ends.count)])
                            writer.write(atMost: unsafe room(for: line, bytes)) { pen in
                                if row > 0 { pen.byte(UInt8(ascii: ",")) }
                                unsafe write(line, bytes, behind: words, ends, with: &pen)
                                pen.byte(names.rowEnd)
                            }
                        }
                    }
                }
            }
        }
    }

    /// Of short cells not even the special bytes are counted.
    @inline(__always)
    private func room(
        for line: UnsafeBufferPointer<Rows.Cell>, _ bytes: UnsafeRawBufferPointer
    ) -> Int {
        var plainBytes = 0
        var shortBytes = 0
        var room = names.padded.count + 8
        for column in 0..<line.count {
            let cell = unsafe line[column]
            if cell.isPlain {
                plainBytes &+= Int(cell.count)
            } else if cell.count <= 1_024 {
                shortBytes &+= Int(cell.count)
            } else {
                room += unsafe JSONPen.bytesMax(for: content(of: cell, bytes))
            }
        }
        return room + plainBytes + JSONPen.bytesMax(shortBytes, pieces: line.count)
    }

    @inline(__always)
    private func write(
        _ line: UnsafeBufferPointer<Rows.Cell>, _ bytes: UnsafeRawBufferPointer,
        behind words: UnsafeRawBufferPointer, _ ends: UnsafeBufferPointer<Int>,
        with pen: inout JSONPen
    ) {
        var nameStart = 0
        for column in 0..<line.count {
            let nameEnd = unsafe ends[column]
            unsafe pen.copy(words, from: nameStart, count: nameEnd - nameStart)
            nameStart = nameEnd
            let cell = unsafe line[column]
            let (start, count) = (Int(cell.start), Int(cell.count))
            switch cell.kind {
            case .null: pen.null()
            case .bool, .number: unsafe pen.copy(bytes, from: start, count: count)
            case .text where cell.isPlain:
                unsafe pen.plain(bytes, from: start, count: count, inString: inString)
            case .json where inString: unsafe pen.escaped(content(of: cell, bytes))
            case .json: unsafe pen.copy(bytes, from: start, count: count)
            case .text: unsafe pen.string(content(of: cell, bytes), inString: inString)
            }
        }
    }

    @inline(__always)
    private func content(
        of cell: Rows.Cell, _ bytes: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer {
        let end = Int(cell.start) + Int(cell.count)
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[Int(cell.start)..<end])
    }
}
