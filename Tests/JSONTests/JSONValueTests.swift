import JSON
import Testing

@Test func namesThatAreOnlyCanonicallyEquivalentStayApart() {
    #expect(Name("\u{212A}") != Name("K"))
}
