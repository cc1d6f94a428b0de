import Enforcement
import EventLoop
import JSON

/// Tells the client of a call that takes longer than a moment that it is still under way.
///
/// Claude's clients give up on a call whose first byte takes a minute, and on one that is silent
/// for five. So after a moment the answer becomes a stream, for clients that take one, and those
/// that sent a token for it hear a line a second: that costs nothing beside a call that takes
/// seconds. A call that is done within the moment costs a timer that never fires. One that waits
/// for a person says so at once, and then only as often as keeps its client patient.
///
/// Sendable although it has plain variables: they are touched on the loop of the request only.
final class Progress: CallNotice, @unchecked Sendable {
    static let interval = Duration.seconds(1)
    static let waitingInterval = Duration.seconds(15)

    private let channel: any ClientChannel
    private let token: JSONValue?
    private var timer: LoopTimer?
    private var task: Task<Void, Never>?
    /// What the call waits for; nil while it runs.
    private var waitsFor: String?
    private var count = 0

    /// On the loop of the request.
    init(of request: Request, to channel: any ClientChannel) {
        self.channel = channel
        token = Self.token(of: request)
        let loop = channel.loop
        timer = loop.schedule(at: loop.now.advanced(by: Self.interval)) { self.begin() }
    }

    /// Nothing is announced any more. On the loop.
    func end() {
        if let timer { channel.loop.cancel(timer) }
        timer = nil
        task?.cancel()
        task = nil
    }

    func waits(_ message: String) {
        onLoop {
            self.end()
            self.waitsFor = message
            self.begin()
        }
    }

    func goesOn() {
        onLoop {
            guard self.waitsFor != nil else { return }
            self.waitsFor = nil
            self.end()
            self.begin()
        }
    }

    /// A call is on its request's loop, but for one that goes on as a task, which is silent here.
    private func onLoop(_ body: @escaping @Sendable () -> Void) {
        if channel.loop.isCurrent { body() } else { channel.loop.execute(body) }
    }

    private func begin() {
        timer = nil
        channel.open()
        guard let token else { return }
        task = Task(executorPreference: channel.loop) { await self.announce(token) }
    }

    /// Until cancelled, or nobody listens.
    private func announce(_ token: JSONValue) async {
        let began = channel.loop.now
        // Cancelled between waking up and running here: the answer has been given.
        while !Task.isCancelled {
            count += 1
            let seconds = channel.loop.now.nanoseconds(since: began) / 1_000_000_000
            let text = waitsFor ?? "running for \(seconds + 1) s"
            let interval = waitsFor == nil ? Self.interval : Self.waitingInterval
            let message = Reply.notification(
                "notifications/progress",
                params: [
                    "progressToken": token, "progress": .number(JSONNumber(count)),
                    "message": .string(text),
                ])
            guard await channel.report(message) else { return }
            do { try await channel.loop.sleep(for: interval) } catch { return }
        }
    }

    private static func token(of request: Request) -> JSONValue? {
        switch request.meta?["progressToken"] {
        case .string(let text): .string(text)
        case .number(let number) where number.int != nil: .number(number)
        default: nil
        }
    }
}
