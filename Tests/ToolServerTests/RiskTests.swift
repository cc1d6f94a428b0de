import Enforcement
import JSON
import Testing

@testable import ToolServer

/// Each sign is fed with calls at times of our choosing: some that must raise it, and some of an
/// ordinary day that must not.
@Suite struct RiskTests {
    private struct Scene {
        var watch = RiskWatch()
        private var number = 0

        /// Monday, 2 November 2026, 00:00 UTC.
        static let monday = 1_793_577_600

        /// `at` in seconds after that Monday began.
        mutating func call(
            at seconds: Int, as subject: String = "ada", _ more: String = "",
            decision: String = "allow", code: String = "ok", rows: Int = 1,
            arguments: String = "{}", tool: String = "orders"
        ) throws {
            number += 1
            let line =
                #""event":"outcome","call":"c\#(number)","v":1,"caller":{"issuer":"i","subject":"\#(subject)","kind":"human","groups":[],"token":"t1"},"tool":"\#(tool)","decision":"\#(decision)","via":"http","code":"\#(code)","rows":\#(rows),"microseconds":1,"arguments":\#(arguments)\#(more)"#
            try take(seconds, line)
        }

        mutating func take(_ seconds: Int, _ members: String) throws {
            let at = WallClock.text(Self.monday + seconds)
            let bytes = Array(#"{"seq":\#(number),"at":"\#(at)",\#(members)}"#.utf8)
            let line = try #require(
                RecordedLine(AuditReader.Line(sequence: number, bytes: bytes)))
            watch.take(RecordedEntry(lines: [line]), log: "record")
        }

        /// Weeks of work from nine to five, three calls an hour.
        mutating func workdays(_ count: Int, as subject: String = "ada") throws {
            for day in 0..<count where day % 7 < 5 {
                for minute in stride(from: 9 * 60, to: 17 * 60, by: 20) {
                    try call(at: day * 86_400 + minute * 60, as: subject)
                }
            }
        }

        /// As if the record ended here.
        func signs(over score: Int = 50) -> [String: Int] {
            var watch = watch
            watch.finish()
            return Dictionary(
                RiskReport(watch, over: score).people.flatMap(\.findings)
                    .map { ($0.sign.rawValue, $0.score) }, uniquingKeysWith: max)
        }
    }

    @Test func theCallsOfASignCanBeChosenAndNoOthers() throws {
        var scene = Scene()
        try scene.call(at: 0, as: "bob")
        for second in 1...30 {
            try scene.call(at: second, decision: "deny", code: "deny.rule")
        }
        func holds(_ filter: RiskFilter, _ number: Int) throws -> Bool {
            let line = try #require(
                RecordedLine(
                    AuditReader.Line(
                        sequence: number,
                        bytes: Array(#"{"seq":\#(number),"at":"x","event":"outcome"}"#.utf8))))
            return filter.holds(RecordedEntry(lines: [line]), log: "record")
        }
        for sign in [RiskSign.denials, nil] {
            let filter = RiskFilter(scene.watch, sign)
            #expect(try !holds(filter, 1))
            #expect(try (2...31).allSatisfy { try holds(filter, $0) })
            #expect(!filter.holds(RecordedEntry(lines: []), log: "record"))
        }
        #expect(try !holds(RiskFilter(scene.watch, .places), 5))
    }

    @Test func anOrdinaryMonthHasNoSign() throws {
        var scene = Scene()
        try scene.workdays(28)
        #expect(scene.signs(over: 1).isEmpty)
    }

    @Test func manyCallsWhenTheCallerNeverWorksAreASign() throws {
        var scene = Scene()
        try scene.workdays(14)
        for minute in 0..<20 { try scene.call(at: 14 * 86_400 + 3 * 3_600 + minute * 60) }
        #expect(scene.signs().keys.elementsEqual(["hours"]))
    }

    @Test func aWeekendIsNoWorkdayAndOneCallIsNoSpike() throws {
        var scene = Scene()
        try scene.workdays(12)
        try scene.call(at: 12 * 86_400 + 4 * 3_600)
        #expect(scene.signs().isEmpty)
        for minute in 0..<20 { try scene.call(at: 12 * 86_400 + 10 * 3_600 + minute * 60) }
        #expect(scene.signs().keys.elementsEqual(["hours"]))
    }

    @Test func whoWorksAtAllHoursHasNoneThatAreStrange() throws {
        var scene = Scene()
        for hour in 0..<24 * 14 {
            for minute in 0..<6 { try scene.call(at: hour * 3_600 + minute * 600) }
        }
        #expect(scene.signs().isEmpty)
    }

    @Test func manyRowsInTenMinutesAreASignForWhomItIsMany() throws {
        var scene = Scene()
        try scene.workdays(5)
        for second in 0..<30 { try scene.call(at: 4 * 86_400 + 64_000 + second, rows: 1_000) }
        #expect(scene.signs() == ["volume": 99])
        scene = Scene()
        for slot in 0..<40 {
            for second in 0..<30 { try scene.call(at: slot * 600 + second, rows: 1_000) }
        }
        // Until ten times were seen, nothing is known of them.
        let early = try #require(scene.watch.findings.last)
        scene.watch.finish()
        #expect(early.finding.last < (Scene.monday + 10 * 600) * 1_000_000)
        #expect(scene.watch.findings.allSatisfy { $0.finding.last <= early.finding.last })
    }

    @Test func aTokenInTwoPlacesAtOnceIsASignAndOneThatMovesOnALesserOne() throws {
        var scene = Scene()
        for (minute, address) in ["10.0.0.1", "10.9.9.9", "10.9.9.9"].enumerated() {
            try scene.call(at: minute * 60, #","address":"\#(address)""#)
        }
        #expect(scene.signs(over: 1) == ["places": 40])
        scene = Scene()
        for (minute, address) in ["10.0.0.1", "10.9.9.9", "10.0.0.1"].enumerated() {
            try scene.call(
                at: minute * 60, #","address":"\#(address)","clientName":"c\#(minute % 2)""#)
        }
        #expect(scene.signs() == ["places": 90])
    }

    @Test func addressesOfOneNetworkOfVersionSixAreOnePlace() throws {
        var scene = Scene()
        for host in 1...9 { try scene.call(at: host, #","address":"2001:db8::\#(host)""#) }
        #expect(scene.signs(over: 1).isEmpty)
    }

    @Test func refusalsAreASignWhenTheyRepeatAndMoreSoWhenOneGetsThrough() throws {
        var scene = Scene()
        for second in 0..<4 {
            try scene.call(at: second, decision: "deny", code: "deny.rule", rows: 0)
        }
        #expect(scene.signs(over: 1).isEmpty)
        for (second, tool) in ["orders", "staff", "orders", "pay", "pay", "staff"].enumerated() {
            try scene.call(
                at: 10 + second, decision: "deny", code: "deny.rule", rows: 0, tool: tool)
        }
        let refused = try #require(scene.signs()["denials"])
        try scene.call(at: 30, tool: "staff")
        #expect(scene.signs()["denials"] == refused + 15)
    }

    @Test func argumentsThatDoNotFitAreNoAttempt() throws {
        var scene = Scene()
        for second in 0..<50 {
            try scene.call(at: second, decision: "deny", code: "arguments.invalid", rows: 0)
        }
        #expect(scene.signs(over: 1).isEmpty)
    }

    @Test func keysThatAreAskedForOneByOneAreASign() throws {
        var scene = Scene()
        for id in 1...40 {
            try scene.call(at: id * 20, arguments: #"{"id":\#(id),"limit":5}"#)
        }
        #expect(scene.signs() == ["keys": 70])
    }

    @Test func keysInAStatementAreKeys() throws {
        var scene = Scene()
        for id in 100...140 {
            try scene.call(
                at: id * 20, arguments: #"{"sql":"select * from staff2 where id = \#(id)"}"#)
        }
        #expect(scene.signs() == ["keys": 70])
    }

    @Test func differentQuestionsAreNoEnumeration() throws {
        var scene = Scene()
        for id in 1...60 {
            try scene.call(at: id * 20, arguments: #"{"from":"d\#(id)","to":"e\#(id * 7 % 60)"}"#)
        }
        #expect(scene.signs(over: 1).isEmpty)
    }

    @Test func strangersAreCountedByTheirAddress() throws {
        var scene = Scene()
        for second in 0..<3 {
            try scene.take(
                second,
                #""event":"stranger","v":1,"code":"token.invalid","address":"10.1.1.1","unwritten":30"#
            )
        }
        #expect(scene.signs()["denials"] != nil)
        scene.watch.finish()
        #expect(
            RiskReport(scene.watch, over: 50).people.map(\.subject.text)
                == ["strangers from 10.1.1.1"])
    }

    @Test func aFindingCountsThatReachesIntoTheTimesAsked() throws {
        var scene = Scene()
        for id in 1...40 { try scene.call(at: id * 20, arguments: #"{"id":\#(id)}"#) }
        scene.watch.finish()
        #expect(!RiskReport(scene.watch, over: 50, since: "2026-11-02T00:13").isEmpty)
        #expect(RiskReport(scene.watch, over: 50, since: "2026-11-02T00:14").isEmpty)
        #expect(RiskReport(scene.watch, over: 50, until: "2026-11-02").isEmpty)
    }

    @Test func severalSignsMakeACallerMoreLikely() {
        #expect(RiskFinding.together([50, 60]) == 80)
        #expect(RiskFinding.together([]) == 0)
        #expect(RiskFinding.together([99, 99, 99]) == 99)
    }
}
