import Testing

@testable import Backends
@testable import ToolServer

@Suite struct StreamPatienceTests {
    private static func failure(
        _ reason: String = "status 503", after: Duration? = nil, isTooLarge: Bool = false
    ) -> DeliveryFailure {
        var failure = DeliveryFailure(reason: reason)
        failure.retryAfter = after
        failure.isTooLarge = isTooLarge
        return failure
    }

    @Test func anOutageOfHoursIsSaidOnceAndAskedOnceAMinute() {
        var patience = StreamPatience()
        var now = Duration.zero
        var attempts = 0
        var words = 0
        while now < .seconds(10 * 3_600) {
            if patience.isNews("status 503") { words += 1 }
            now += patience.failed(Self.failure())
            attempts += 1
        }
        #expect(words == 1)
        #expect((600...615).contains(attempts))
        #expect(patience.backoff == .seconds(60))
        let isOver = patience.isNews(nil)
        patience.arrived()
        let again = patience.failed(Self.failure())
        #expect(isOver && again == .milliseconds(250))
    }

    @Test func attemptsComeLaterEachTimeAndAtMostAMinuteApart() {
        var patience = StreamPatience()
        let waits = (0..<10).map { _ in patience.failed(Self.failure()) }
        #expect(
            waits.prefix(4) == [.milliseconds(250), .milliseconds(500), .seconds(1), .seconds(2)])
        #expect(waits.suffix(2) == [.seconds(60), .seconds(60)])
    }

    @Test func whatTheOtherSideAsksForIsTheLeast() {
        var patience = StreamPatience()
        var waits = [patience.failed(Self.failure(after: .seconds(30)))]
        waits.append(patience.failed(Self.failure()))
        for _ in 0..<10 { _ = patience.failed(Self.failure()) }
        waits.append(patience.failed(Self.failure(after: .seconds(5))))
        #expect(waits == [.seconds(30), .milliseconds(500), .seconds(60)])
    }

    @Test func whatIsTooLargeComesInSmallerPieces() {
        var patience = StreamPatience()
        var sizes = [patience.bytesMax]
        for _ in 0..<5 {
            _ = patience.failed(Self.failure(isTooLarge: true))
            sizes.append(patience.bytesMax)
        }
        #expect(sizes == [512, 128, 32, 8, 4, 4].map { $0 << 10 })
        _ = patience.failed(Self.failure())
        patience.arrived()
        #expect(patience.bytesMax == 4 << 10)
    }
}
