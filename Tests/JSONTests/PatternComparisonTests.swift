import Foundation
import JSON
import Testing

/// The same sequence at each run, so that a failure can be repeated.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 29
    }

    mutating func expression(_ depth: Int) -> String {
        switch Int.random(in: 0..<(depth > 0 ? 11 : 5), using: &self) {
        case 0: "a"
        case 1: "b"
        case 2: "."
        case 3:
            ["[ab]", "[^a]", "[a-b]", #"\w"#, #"\W"#, "[^c]"].randomElement(using: &self) ?? "a"
        case 4: ["^", "$", #"\b"#, #"\B"#].randomElement(using: &self) ?? "^"
        case 5: "(?:\(expression(depth - 1))|\(expression(depth - 1)))"
        case 6: "(\(expression(depth - 1)))*"
        case 7: "(?:\(expression(depth - 1)))?"
        case 8: "(?:\(expression(depth - 1))){1,3}"
        default: expression(depth - 1) + expression(depth - 1)
        }
    }

    mutating func text() -> String {
        String(
            (0..<Int.random(in: 0..<7, using: &self)).map { _ in
                "aabbc ".randomElement(using: &self) ?? "a"
            })
    }
}

@Test func randomExpressionsFindWhatABacktrackingSearchFinds() throws {
    var dice = Dice(state: 20_260_701)
    var found = 0
    for _ in 0..<400 {
        let source = dice.expression(4)
        let pattern = try Pattern(source)
        let other = try NSRegularExpression(pattern: source)
        for _ in 0..<20 {
            let text = dice.text()
            let range = NSRange(location: 0, length: text.utf16.count)
            let isFound = other.firstMatch(in: text, range: range) != nil
            if isFound { found += 1 }
            #expect(pattern.matches(text) == isFound, "`\(source)` in `\(text)`")
        }
    }
    #expect((1_000...7_000).contains(found))
}
