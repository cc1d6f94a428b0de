import JSON
import Testing

private func manifest(_ text: String) throws(JSONError) -> LocatedValue {
    try JSONParser.parseManifest(Array(text.utf8))
}

@Test func manifestsMayHoldCommentsAndACommaAtTheEnd() throws {
    let text = """
        // first
        { /* * / **/ "a" /**/ : /*x*/ [1, /* // */ 2,], // "b": 3
          "c": {"d": null,},
        } // last
        """
    #expect(
        try manifest(text).plain() == [
            "a": [1, 2], "c": .object(JSONObject(distinct: [("d", .null)])),
        ])
    #expect(try manifest("1//").plain() == 1)
}

@Test func manifestsAreOtherwiseStrict() {
    for text in [
        "[,]", "[1,,]", "{,}", "{a:1}", "['a']", "[01]", "/* 1", "/*/ 1", "1 /", "/ 1", "# 1",
        #"{"a":1,"\u0061":2}"#, #""\ud800""#, "[1] [2]", "",
    ] {
        #expect(throws: JSONError.self, "\(text)") { try manifest(text) }
    }
    #expect(throws: JSONError(offset: 2, reason: .invalidUTF8)) {
        try JSONParser.parseManifest([0x2F, 0x2F, 0xFF, 0x0A, 0x31])
    }
}

@Test func commentMarksWithinStringsAreText() throws {
    #expect(try manifest(#"["http://a/*b*/", "//"]"#).plain() == ["http://a/*b*/", "//"])
}

@Test func everyValueAndNameKnowsItsPlace() throws {
    let text = "{\n  // é\n  \"é\": [true, \"é\", 12]\n}"
    let source = SourceText(Array(text.utf8))
    let root = try manifest(text)
    guard case .object(let members) = root.content,
        case .array(let values) = members[0].value.content
    else { return #expect(Bool(false), "another shape") }
    #expect(source.position(of: root.offset) == (1, 1))
    #expect(source.position(of: members[0].nameOffset) == (3, 3))
    #expect(source.position(of: members[0].value.offset) == (3, 8))
    #expect(values.map { source.position(of: $0.offset).column } == [9, 15, 20])
    #expect(source.position(of: .max) == (4, 2))
    #expect(source.position(of: -1) == (1, 1))
}
