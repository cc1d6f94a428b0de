import EventLoop
import JSON

/// Tells a client that asked for it that its call is still under way.
///
/// Claude's clients give up on a silent call; a line a second costs nothing beside a call that
/// takes seconds, and a call that is done within one is never announced.
enum Progress {
    static let interval = Duration.seconds(1)

    private static func token(of request: Request) -> JSONValue? {
        switch request.meta?["progressToken"] {
        case .string(let text): .string(text)
        case .number(let number) where number.int != nil: .number(number)
        default: nil
        }
    }

    /// The router's answer, announced while it is waited for if the client asked for that. Nothing
    /// is announced any more when this returns.
    static func announcing(
        _ request: Request, on loop: EventLoop, send: @Sendable ([UInt8]) async -> Bool,
        answer: () async throws(RPCError) -> [UInt8]
    ) async throws(RPCError) -> [UInt8] {
        guard let token = token(of: request) else { return try await answer() }
        async let _: Void = announce(token, on: loop, send: send)
        let outcome: Result<[UInt8], RPCError>
        do throws(RPCError) { outcome = .success(try await answer()) } catch {
            outcome = .failure(error)
        }
        return try outcome.get()
    }

    /// Sends until cancelled, or until `send` says that nobody listens.
    private static func announce(
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
