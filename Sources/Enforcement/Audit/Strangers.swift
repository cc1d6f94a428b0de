import JSON
import Synchronization

/// The record of those who were turned away before anybody knew who they were.
///
/// Anyone can cause such a refusal, so a line each would let a stranger fill the disk: one line a
/// second is written, and it says how many more there were since the one before.
final class Strangers: Sendable {
    private struct State {
        var lastSecond = 0
        var unwritten = 0
    }

    private let sink: any RecordSink
    private let now: @Sendable () -> Int
    private let state = Mutex(State())

    init(sink: any RecordSink, now: @escaping @Sendable () -> Int = WallClock.seconds) {
        self.sink = sink
        self.now = now
    }

    func turnAway(_ refusal: Refusal, at address: String) async {
        let second = now()
        let unwritten: Int? = state.withLock { state in
            guard state.lastSecond != second else {
                state.unwritten += 1
                return nil
            }
            defer { state = State(lastSecond: second) }
            return state.unwritten
        }
        guard let unwritten else { return }
        var writer = JSONWriter()
        writer.member("event", "stranger")
        writer.member("v", RecordForm.version)
        writer.member("code", refusal.code.rawValue)
        writer.member("address", address)
        if let noted = refusal.noted { writer.member("noted", noted) }
        if unwritten > 0 { writer.member("unwritten", unwritten) }
        // The stranger is refused whether or not that can be recorded.
        _ = try? await sink.append([writer.finish()])
    }
}
