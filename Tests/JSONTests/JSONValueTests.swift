import JSON
import Testing

@Test func namesThatAreOnlyCanonicallyEquivalentStayApart() {
    #expect(Name("\u{212A}") != Name("K"))
}

@Test func equalityIgnoresTheOrderOfMembersAlsoOfMany() {
    func object(_ names: [Int]) -> JSONValue {
        .object(
            JSONObject(
                distinct: names.map { (name: "n\($0)", value: JSONValue.number(JSONNumber($0))) }))
    }
    #expect(object([1, 2, 3]) == object([3, 1, 2]))
    #expect(object(Array(0..<20_000)) == object((0..<20_000).reversed()))
    #expect(object(Array(0..<20)) != object(Array(1..<21)))
    #expect(object([1, 2]) != object([1, 2, 3]))
}
