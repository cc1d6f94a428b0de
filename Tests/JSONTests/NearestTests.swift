import JSON
import Testing

@Test func aMistypedWordFindsTheOneThatWasMeant() {
    let known = ["id", "name", "description", "inputSchema"]
    #expect(nearest("nmae", among: known) == "name")
    #expect(nearest("desciption", among: known) == "description")
    #expect(nearest("inputschema", among: known) == "inputSchema")
    #expect(nearest("ID", among: known) == "id")
    #expect(nearest("idd", among: known) == "id")
}

@Test func aStrangeWordFindsNothing() {
    #expect(nearest("banana", among: ["id", "name"]) == nil)
    #expect(nearest("x", among: ["y"]) == nil)
    #expect(nearest("", among: ["a"]) == nil)
    #expect(nearest("a", among: []) == nil)
    #expect(nearest(String(repeating: "a", count: 1_000_000), among: ["a"]) == nil)
}
