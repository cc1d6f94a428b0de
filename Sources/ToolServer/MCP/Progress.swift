import EventLoop
import JSON

/// Tells a client that asked for it that its call is still under way.
///
/// Claude's clients give up on a silent call; a line a second costs nothing beside a call that
/// takes seconds, and a call that is done within one is never announced.
enum Progress {
    static let interval = Duration.seconds(1)

    static func token(of request: Request) -> JSONValue? {
        switch request.meta?["progressToken"] {
        case .string(let text): .string(text)
        case .number(let number) where number.int != nil: .number(number)
        default: nil
        }
    }

    /// Sends until cancelled, or until `send` says that nobody listens.
    static func announce(
        _ token: JSONValue, on loop: EventLoop, send: ([UInt8]) async -> Bool
    ) async {
        var seconds = 0
        while true {
            do { try await loop.sleep(for: interval) } catch { return }
            seconds += 1
            let message = Reply.notification(
                "notifications/progress",
                params: [
                    "progressToken": token, "progress": .number(JSONNumber(seconds)),
                    "message": .string("running for \(seconds) s"),
                ])
            guard await send(message) else { return }
        }
    }
}
