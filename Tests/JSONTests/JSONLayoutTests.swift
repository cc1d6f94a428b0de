import JSON
import Testing

@Suite struct JSONLayoutTests {
    @Test func whatFitsStandsOnOneLineAndAllElseAMemberALine() {
        let value: JSONValue = ["name": "shop", "list": [1, 2], "empty": [:]]
        #expect(value.laidOut() == #"{"name": "shop", "list": [1, 2], "empty": {}}"#)
        let narrow = """
            {
              "name": "shop",
              "list": [1, 2],
              "empty": {}
            }
            """
        #expect(value.laidOut(columns: 20, indent: 2) == narrow)
    }

    @Test func noLineIsLongerThanAskedWhereItCanBeBroken() throws {
        let value: JSONValue = [
            "a": [["b": "0123456789", "c": ["0123456789", "0123456789"]], "0123456789"]
        ]
        for columns in 24...60 {
            let text = value.laidOut(columns: columns, indent: 2)
            #expect(text.split(separator: "\n").allSatisfy { $0.utf8.count <= columns }, "\(text)")
            #expect(try JSONParser.parse(Array(text.utf8)) == value)
        }
    }
}
