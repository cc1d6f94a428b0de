import EventLoop
import Testing

@testable import Backends

@Suite struct RetryAfterTests {
    @Test(
        arguments: [
            ("17", 17), ("0", 1), ("3601", 3_600), ("99999999999999999999", 3_600), ("-1", nil),
            ("1.5", nil), ("", nil), ("soon", nil), ("Fri, 27 Nov 2026 21:02:00 GMT", 120),
            ("Fri, 27 Nov 2026 20:00:00 GMT", 1), ("Sat, 28 Nov 2026 21:00:00 GMT", 3_600),
            ("Fri, 27 Nov 2026 21:02:00 CET", nil), ("Fri, 27 Nox 2026 21:02:00 GMT", nil),
            ("Fri, 27 Nov 2026 25:02:00 GMT", nil),
        ] as [(String, Int?)])
    func aNumberOrADateSaysHowManySecondsAtMostAnHour(_ text: String, _ seconds: Int?) {
        let headers = HTTPHeaders([
            ("retry-after", text), ("date", "Fri, 27 Nov 2026 21:00:00 GMT"),
        ])
        #expect(RetryAfter.seconds(headers) == seconds)
    }

    @Test func aDateCountsFromOurClockWhereTheServerSaysNone() {
        let headers = HTTPHeaders([("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")])
        #expect(RetryAfter.moment("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
        #expect(RetryAfter.seconds(headers, now: 784_111_700) == 77)
        #expect(RetryAfter.seconds(HTTPHeaders()) == nil)
    }
}
