import JSON
import Testing

private func number(_ text: String) throws -> JSONNumber {
    try #require(try parse(text).number)
}

@Test func wholenessIsReadFromTheText() throws {
    for text in [
        "0", "-0", "0.0", "0e5", "1", "1.0", "1e2", "100e-2", "1.50e1", "1e400", "-12.00E+1",
        "1e999999999", "1e99999999999999999999999999", "123456789012345678901234567890", "0e-99999",
    ] {
        #expect(try number(text).isInteger, "\(text)")
    }
    for text in [
        "1.5", "1e-2", "-0.1", "100e-3", "1e-999999999", "1e-99999999999999999999999999", "1.05e1",
    ] {
        #expect(try !number(text).isInteger, "\(text)")
    }
}

@Test func comparisonIsExactBeyondFloatingPoint() throws {
    let ascending = [
        "-1e999999999", "-1e400", "-9007199254740993", "-9007199254740992", "-1.5", "-1e-400", "0",
        "1e-999999999", "1e-400", "0.1", "0.10000000000000000000000001", "0.2", "1", "9", "10",
        "9007199254740992", "9007199254740993", "18446744073709551616", "1e400", "1.1e400",
        "1e999999999",
    ]
    for (index, text) in ascending.enumerated() {
        for (otherIndex, other) in ascending.enumerated() {
            let order: JSONOrder =
                index < otherIndex ? .less : index == otherIndex ? .equal : .greater
            #expect(try number(text).compare(to: number(other)) == order, "\(text) \(other)")
        }
    }
}

@Test func equalValuesCompareEqualHoweverWritten() throws {
    for (one, other) in [
        ("1", "1.0"), ("-0", "0"), ("0.000", "0e9"), ("100", "1e2"), ("0.001", "1E-3"),
        ("12.50", "0.125e2"),
    ] {
        #expect(try number(one).compare(to: number(other)) == .equal)
    }
}
