import JSON
import Testing

private func matches(_ pattern: String, _ text: String) throws -> Bool {
    try Pattern(pattern).matches(text)
}

@Test func patternsFindWhatTheyDescribe() throws {
    let found: [(String, String)] = [
        ("a", "bab"), ("^a$", "a"), ("", ""), ("^$", ""), ("^(?:ab|cd)+$", "abcdab"),
        ("^a?b*c+$", "cc"),
        (#"^\d{3}-\d{2,}$"#, "123-4567"), ("^[a-c_-]+$", "ab-c_"), ("^[^0-9]$", "é"), ("^.$", "😀"),
        (#"^\.$"#, "."), (#"^\w+\s\W$"#, "ab_1\u{A0}-"), (#"\bcat\b"#, "a cat."), (#"\Bat"#, "cat"),
        (#"^\u0041\x42\u{1F600}\t$"#, "AB😀\t"), (#"^\uD83D\uDE00$"#, "😀"), ("^a{0}b{2}$", "bb"),
        ("(a*)*$", "b"), ("(?<year>[0-9]{4})", "in 2024"), ("^(|a)b$", "b"), ("^[]?b", "b"),
        ("^[^]$", "\n"),
        (#"^[\d\-x]+$"#, "1-x"), ("^a+?b", "aab"), (#"^\$\.\/$"#, "$./"), (#"^[\b]$"#, "\u{8}"),
        (#"^\cJ$"#, "\n"), (#"^\p{L}+$"#, "aéЖ漢"), (#"^\p{Lu}\p{Ll}$"#, "Éa"),
        (#"^[\p{Nd}_]+$"#, "٣_3"), (#"^\P{L}$"#, "1"), (#"^[^\p{L}\d]$"#, "-"),
        (#"^[\P{L}a]+$"#, "1a-"), (#"^\p{gc=Lu}\p{General_Category=Letter}$"#, "Aa"),
        (#"^\p{ASCII}\p{Any}$"#, "a漢"), (#"\p{Sc}"#, "costs 5€"), (#"^\p{LC}$"#, "ǅ"),
    ]
    for (pattern, text) in found { #expect(try matches(pattern, text), "\(pattern)") }
}

@Test func patternsDoNotFindAnythingElse() throws {
    let absent: [(String, String)] = [
        ("^a$", "ba"), ("^a$", "a\n"), (".", "\n"), ("^.$", "e\u{301}"), (#"^\d$"#, "٣"),
        (#"\w"#, "é"),
        ("^a{2,3}$", "aaaa"), ("^a{2,3}$", "a"), ("[a-c]", "d"), ("[]", "a"), (#"\bat"#, "cat"),
        ("^é$", "e\u{301}"),
        ("a^b", "ab"), ("^(?:a|b$)c", "bc"), (#"^[^\s]$"#, "\u{3000}"),
        (#"^\p{L}$"#, "1"), (#"^\p{Lu}$"#, "a"), (#"^[^\p{L}]$"#, "é"), (#"^\P{L}$"#, "é"),
        (#"^[^\P{L}]$"#, "1"), (#"^\p{ASCII}$"#, "é"), (#"^\p{Nd}$"#, "Ⅷ"),
    ]
    for (pattern, text) in absent { #expect(try !matches(pattern, text), "\(pattern)") }
}

@Test func syntaxThatIsNotSupportedIsAnError() {
    for pattern in [
        "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", #"(a)\1"#, #"\k<a>"#, "(?i)a", "(", ")", "a)", "[a",
        "a{2,1}",
        "*a", "a**", "a{", "a{,2}", "a{x}", "{", "}", "]", #"\"#, #"\p{Lx}"#, #"\p{Script=Han}"#,
        #"\p{}"#, #"\pL"#, #"\p{L"#, #"[\p{L}-z"#,
        #"\a"#, #"\01"#,
        #"\u12"#, #"\ud800"#,
        #"\u{110000}"#, "[z-a]", #"[\d-a"#, "^*", #"\b+"#, #"\x4"#, "(?<>a)", #"\é"#,
    ] {
        #expect(throws: PatternError.self, "\(pattern)") { try Pattern(pattern) }
    }
}

@Test func expressionsThatGrowTooLargeAreErrors() throws {
    for pattern in [
        "a{1001}", "(a{50}){50}", "((a{99}){99}){99}", "(a?){1000}(b?){1000}",
        String(repeating: "(", count: 60),
        String(repeating: "a", count: 5_000), "a{99999999999999999999}",
    ] {
        #expect(throws: PatternError.self, "\(pattern.prefix(20))") { try Pattern(pattern) }
    }
    // Nothing, a thousand times to the fourth power, must not take that long to write out.
    #expect(try matches("^(((()(){1000}){1000}){1000}){1000}$", ""))
    #expect(try matches("^((((a{0}){1000}){1000}){1000}){1000}$", ""))
}

@Test func expressionsThatExplodeElsewhereStayLinear() throws {
    let text = String(repeating: "a", count: 3_000)
    let elapsed = try ContinuousClock().measure {
        for pattern in [
            "^(a+)+$", "^(a|aa)+$", "^(a|a)*$", "^([a-zA-Z]+)*$", "(x+x+)+y", "^(.*a){12}$",
            "^(a*)*b$",
            "^((a?)+)+$", #"^(\w+\s?)*$"#, "(a?){30}a{30}$", "^(([a-z])+.)+[A-Z]([a-z])+$",
        ] {
            let isFound = try matches(pattern, text + "!")
            #expect(!isFound, "\(pattern)")
        }
    }
    #expect(elapsed < .seconds(20))
}

@Test func aSearchEndsUndecidedWhenItsStepsAreSpent() throws {
    let pattern = try Pattern("^(?:a?){100}b")
    let text = String(repeating: "a", count: 1_000)
    var steps = 5_000
    #expect(pattern.matches(text, stepsLeft: &steps) == nil)
    steps = 10_000_000
    #expect(pattern.matches(text, stepsLeft: &steps) == false)
    #expect(steps > 9_000_000)
}
