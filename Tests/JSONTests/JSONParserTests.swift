import JSON
import Testing

@Test func duplicateNamesAreRefusedAlsoBehindEscapes() {
    #expect(refusal(#"{"a":1,"a":1}"#) == .duplicateName)
    #expect(refusal(#"{"a":1,"\u0061":2}"#) == .duplicateName)
    #expect(refusal(#"{"😀":1,"\ud83d\ude00":2}"#) == .duplicateName)
    #expect(refusal(#"[{"x":{"":1,"b":0,"":2}}]"#) == .duplicateName)
    #expect(refusal(#"{"a":{"a":1},"A":2}"#) == nil)
}

@Test func duplicateNamesAreFoundAmongManyMembers() {
    let names = (0..<500).map { #""n\#($0)":0"# }.joined(separator: ",")
    #expect(refusal("{\(names)}") == nil)
    for copy in ["n0", "n7", "n8", "n499", #"\u006e8"#] {
        #expect(refusal("{\(names),\"\(copy)\":1}") == .duplicateName, "\(copy)")
    }
}

@Test func namesThatOnlyNormaliseToTheSameStayApart() throws {
    let value = try parse("{\"\u{E9}\":1,\"e\u{301}\":2,\"\u{212A}\":3,\"K\":4}")
    #expect(value.object?.count == 4)
    #expect(value["\u{E9}"]?.int == 1)
    #expect(value["e\u{301}"]?.int == 2)
    #expect(value["K"]?.int == 4)
    let many = (0..<20).map { "\"n\($0)\":0" }.joined(separator: ",")
    #expect(refusal("{\(many),\"\u{E9}\":1,\"e\u{301}\":2}") == nil)
}

@Test func nestingEndsAtTheLimit() {
    func nested(_ depth: Int) -> String {
        String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(refusal(nested(64)) == nil)
    #expect(refusal(nested(65)) == .tooDeep)
    #expect(refusal(String(repeating: "[", count: 1_000_000)) == .tooDeep)
    #expect(refusal(String(repeating: #"{"a":"#, count: 500_000)) == .tooDeep)
    #expect(JSONLimits(depth: .max).depth == 512)
    #expect(throws: JSONError(offset: 3, reason: .tooDeep)) {
        try JSONParser.parse(Array("[1,[]]".utf8), limits: JSONLimits(depth: 1))
    }
}

@Test func siblingsDoNotCountAsDepth() {
    #expect(refusal("[" + String(repeating: "[[]],", count: 1_000) + "[]]") == nil)
}

@Test func textsBeyondTheByteLimitAreRefused() {
    #expect(throws: JSONError(offset: 4, reason: .tooLong)) {
        try JSONParser.parse(Array("[1,2]".utf8), limits: JSONLimits(bytes: 4))
    }
}

@Test func onlyWellFormedUTF8IsText() {
    let malformed: [[UInt8]] = [
        [0xC0, 0xAF], [0xE0, 0x80, 0xAF], [0xF0, 0x80, 0x80, 0xAF], [0xED, 0xA0, 0x80],
        [0xF4, 0x90, 0x80, 0x80], [0x80], [0xC3], [0xE2, 0x82], [0xFF], [0xF8, 0x88, 0x80, 0x80],
    ]
    for bytes in malformed {
        #expect(refusal([0x22] + bytes + [0x22]) == .invalidUTF8)
        #expect(refusal(Array(#"["\n"#.utf8) + bytes + Array(#""]"#.utf8)) == .invalidUTF8)
        // An escape must not complete a sequence that was cut off.
        #expect(refusal([0x22] + bytes + Array(#"\u0080""#.utf8)) == .invalidUTF8)
        #expect(refusal([0x7B, 0x22] + bytes + Array(#"":1}"#.utf8)) == .invalidUTF8)
    }
    #expect(refusal([0xEF, 0xBB, 0xBF, 0x7B, 0x7D]) == .expectedValue)
}

@Test func surrogateEscapesMustBePairs() throws {
    for half in [
        #"\ud800"#, #"\udc00"#, #"\ud800\ud800"#, #"\ud800x"#, #"\ud800\n"#, #"\udfff\ud800"#,
    ] {
        #expect(refusal("\"\(half)\"") == .loneSurrogate, "\(half)")
    }
    #expect(try parse(#""\uD834\uDD1E""#).string == "\u{1D11E}")
}

@Test func controlCharactersMustBeEscaped() throws {
    for byte in UInt8(0)..<0x20 {
        #expect(refusal([0x22, 0x61, byte, 0x22]) == .controlCharacter)
        #expect(refusal([0x22, 0x5C, 0x6E, byte, 0x22]) == .controlCharacter)
    }
    #expect(try parse(#""a\u0000b""#).string?.utf8.count == 3)
}

@Test func theGrammarIsStrict() {
    let refused: [(String, JSONError.Reason)] = [
        ("", .endsEarly), (" ", .endsEarly), ("[1,]", .expectedValue),
        (#"{"a":1,}"#, .expectedName),
        ("[,1]", .expectedValue), ("[1 2]", .expectedCommaOrBracket), ("{1:2}", .expectedName),
        (#"{"a" 1}"#, .expectedColon), (#"{"a":1 "b":2}"#, .expectedCommaOrBrace),
        ("[1]]", .expectedEnd), ("nul", .expectedValue), ("nulx", .expectedValue),
        ("truefalse", .expectedEnd), ("01", .leadingZero), ("-", .endsEarly),
        ("+1", .expectedValue),
        ("1.", .endsEarly), ("1.e1", .expectedDigit), (".5", .expectedValue), ("1e+", .endsEarly),
        ("[1", .endsEarly), (#"{"a":"#, .endsEarly), (#""a"#, .endsEarly), (#""\"#, .endsEarly),
        (#""\q""#, .unknownEscape), (#""\u12g4""#, .expectedHexDigit), ("//\n1", .expectedValue),
        ("[1/**/]", .expectedCommaOrBracket), ("\u{A0}1", .expectedValue),
        ("\u{B}1", .expectedValue),
        ("NaN", .expectedValue), ("1\u{0}", .expectedEnd), ("\u{0}", .expectedValue),
    ]
    for (text, reason) in refused { #expect(refusal(text) == reason, "\(text)") }
}

@Test func errorsNamePlaceAndNeverRepeatTheText() {
    #expect(throws: JSONError(offset: 8, reason: .expectedValue)) {
        try parse(#"{"pin": secret}"#)
    }
    #expect(throws: JSONError(offset: 5, reason: .invalidUTF8)) {
        try JSONParser.parse([0x5B, 0x31, 0x2C, 0x22, 0x61, 0xFF, 0x22, 0x5D])
    }
    #expect(!JSONError(offset: 8, reason: .expectedValue).message.contains("secret"))
}

@Test func aSliceIsParsedByItselfAlone() throws {
    let bytes = Array("xx[1]yy".utf8)
    #expect(try JSONParser.parse(bytes[2..<5]) == [1])
    #expect(throws: JSONError(offset: 3, reason: .expectedEnd)) {
        try JSONParser.parse(bytes[2...])
    }
}

@Test func manyMembersTakeLinearTime() throws {
    func seconds(_ count: Int) throws -> Duration {
        let members = (0..<count).map { #""name\#($0)":\#($0)"# }.joined(separator: ",")
        let bytes = Array("{\(members)}".utf8)
        return try ContinuousClock().measure { _ = try JSONParser.parse(bytes) }
    }
    // Quadratic work would take 400,000,000 comparisons: minutes in a debug build.
    #expect(try seconds(20_000) < .seconds(10))
}

@Test func aMillionElementsTakeLinearTime() throws {
    let bytes = Array(("[" + String(repeating: "1,", count: 1_000_000) + "1]").utf8)
    let started = ContinuousClock.now
    #expect(try JSONParser.parse(bytes).array?.count == 1_000_001)
    #expect(ContinuousClock.now - started < .seconds(20))
}
