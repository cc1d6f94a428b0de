import Enforcement
import Testing

@testable import Backends

/// Rows by their bytes alone; no server.
@Suite struct PostgresCellsTests {
    private static let forms: [PostgresForm] = [.integer, .text, .timestampWithZone, .bool]

    /// The rows as they are held.
    private static func held(
        _ rows: [[String?]], bytes: Int = 1_000, hidden: [Bool] = []
    ) -> Rows {
        let columns = forms.map {
            PostgresColumn(name: "c", table: 0, number: 0, type: 25, form: $0)
        }
        let plan = PostgresPlan(
            text: PostgresText(asItIs: ""), parameterTypes: [], columns: columns,
            examination: .ofCallers(.read))
        var cells = PostgresCells(
            plan, within: RowBounds(ToolLimits(bytes: bytes), for: .write, hidden: hidden))
        for row in rows {
            var body: [UInt8] = [0, UInt8(row.count)]
            for value in row {
                let count = UInt32(bitPattern: Int32(value?.utf8.count ?? -1)).bigEndian
                unsafe withUnsafeBytes(of: count) { unsafe body.append(contentsOf: $0) }
                body += Array((value ?? "").utf8)
            }
            unsafe body.withUnsafeBytes { bytes in
                _ = unsafe cells.append(PostgresFrame(type: UInt8(ascii: "D"), body: bytes))
            }
        }
        return cells.rows
    }

    private static let row = ["7", "some text", "2019-01-01 00:00:00+00", "t"]

    @Test func whatIsHiddenIsNotHeldAndTheRestIsAsItWas() {
        let whole = Self.held([Self.row, Self.row])
        for hidden in [
            [false, true, false, false], [true, false, false, false], [true, true, true, true],
            [false, false, true, true],
        ] {
            let part = Self.held([Self.row, Self.row], hidden: hidden)
            #expect(part.rowCount == 2 && part.byteCount < whole.byteCount)
            for row in 0..<2 {
                for column in 0..<4 {
                    let (cell, other) = (
                        part[row: row, column: column], whole[row: row, column: column]
                    )
                    #expect(cell.kind == other.kind)
                    let content = Array(part.content(of: cell))
                    #expect(content == (hidden[column] ? [] : Array(whole.content(of: other))))
                }
            }
        }
    }

    @Test func howLongAHiddenValueIsDecidesNothing() {
        for length in [0, 1, 50, 5_000] {
            let value = String(repeating: "v", count: length)
            let row = ["7", value, nil, "f"]
            let rows = Self.held(
                Array(repeating: row, count: 10), bytes: 30, hidden: [false, true, false, false])
            #expect(rows.rowCount == 6 && rows.isTruncated, "\(length)")
        }
    }

    /// Not even that it could not be shown.
    @Test func aHiddenNothingStaysNothing() {
        let rows = Self.held([["7", nil, nil, nil]], hidden: [true, true, true, true])
        #expect(rows.cells.map(\.kind) == [.number, .null, .null, .null])
    }

    @Test func aListOfAnotherLengthHidesNothing() {
        let rows = Self.held([Self.row], hidden: [true, true])
        #expect(!rows.content(of: rows[row: 0, column: 1]).isEmpty)
    }
}
