import Foundation
import Testing

@testable import Enforcement

/// Foundation reads the same files by code of its own.
@Suite struct LocalZoneTests {
    static let zones = [
        "Europe/Berlin", "America/New_York", "Australia/Sydney", "Asia/Kolkata",
        "America/Sao_Paulo",
        "Pacific/Auckland", "Etc/UTC", "Asia/Tokyo", "Africa/Cairo", "America/St_Johns",
    ]

    @Test(arguments: zones) func everyWeekOfAHundredYearsIsAsFoundationHasIt(name: String) throws {
        let bytes = try [UInt8](Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/\(name)")))
        let ours = try #require(LocalZone(bytes))
        let theirs = try #require(TimeZone(identifier: name))
        for week in stride(from: 0, to: 68 * 52, by: 1) {
            let moment = week * 7 * Calendar.day + week * 977
            let wanted = theirs.secondsFromGMT(for: Date(timeIntervalSince1970: Double(moment)))
            #expect(ours.offset(at: moment) == wanted, "\(moment)")
        }
    }

    @Test func whatIsNoZoneIsRefused() {
        for bytes in [[], Array("TZif".utf8), Array(repeating: 0, count: 200)] as [[UInt8]] {
            #expect(LocalZone(bytes) == nil)
        }
    }

    @Test func yearsBeyondTheTableFollowTheRule() throws {
        let rule = try #require(YearlyChanges("CET-1CEST,M3.5.0,M10.5.0/3"))
        let year = Calendar.days(year: 2040, month: 1, day: 1) * Calendar.day
        #expect(rule.offset(at: year) == 3_600)
        #expect(rule.offset(at: year + 180 * Calendar.day) == 7_200)
        // 2040-03-25 01:00 UTC is the first moment of summer.
        let change = Calendar.days(year: 2040, month: 3, day: 25) * Calendar.day + 3_600
        #expect(rule.offset(at: change - 1) == 3_600)
        #expect(rule.offset(at: change) == 7_200)
        for text in [
            "", "CET", "CET-1CEST", "CET-1CEST,J60,J300", "C-1", "CET-1CEST,M13.1.0,M1.1.0",
        ] {
            #expect(YearlyChanges(text) == nil, "\(text)")
        }
    }
}
