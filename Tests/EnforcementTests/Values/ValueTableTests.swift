import Testing

@testable import Enforcement

/// Tables in texts: what only the name of a column tells.
@Suite struct ValueTableTests {
    private let masks = ValueMasks()

    private func masked(_ text: String) -> String {
        var lab = ValueLab(masks)
        return lab.mask(text).text
    }

    @Test func aRowWithAnotherNumberOfFieldsIsNoneOfTheTable() {
        #expect(
            masked("id,password\n7,hunter\nsome, other, words\n8,dragon")
                == "id,password\n7,[password]\nsome, other, words\n8,[password]")
    }

    @Test func aTableEndsWithAnEmptyLine() {
        #expect(
            masked("id,password\n7,hunter\n\n8,dragon") == "id,password\n7,[password]\n\n8,dragon")
        #expect(
            masked("| id | pin |\n|---|---|\n| 1 | 4711 |\nno bar\n| 2 | 4712 |")
                == "| id | pin |\n|---|---|\n| 1 | [password] |\nno bar\n| 2 | 4712 |")
    }

    @Test func emptyFieldsAndPlaceholdersStay() {
        #expect(masked("id,password\n7,\n8,null\n9,***") == "id,password\n7,\n8,null\n9,***")
    }

    @Test func aTableOfManyWindowsIsMaskedToItsEndWhateverThePieces() {
        let row = "1,hunter,\(String(repeating: "a", count: 40))\r\n"
        let count = 3 * ScanWindows.size / row.utf8.count
        let text = "id,password,note\r\n" + String(repeating: row, count: count)
        let whole = masked(text)
        #expect(!whole.contains("hunter"))
        #expect(whole.split(separator: "[password]").count == count + 1)
        for size in [1_000, 65_537] {
            var stream = StreamMask(masks)
            var shown: [UInt8] = []
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                shown += stream.feed(rest.prefix(size))
                rest = rest.dropFirst(size)
            }
            #expect(String(decoding: shown + stream.finish(), as: UTF8.self) == whole)
        }
    }

    /// Each number of a list is read at most a few times, whatever their lengths.
    @Test func aListOfNumbersHidesNoCardThatIsNamedOrStandsApart() {
        let list = (100..<400).map { "\($0)" }.joined(separator: " ")
        #expect(masked(list) == list)
        #expect(masked("\(list) 4111111111111111 \(list)") == "\(list) [card] \(list)")
        #expect(
            masked("\(list) card 4111 1111 1111 1111 x") == "\(list) card [card] x")
        #expect(masked("\(list), (212) 555-0143") == "\(list), [phone]")
    }
}
