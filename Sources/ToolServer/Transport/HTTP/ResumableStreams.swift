import Enforcement
import EventLoop
import JSON
import Synchronization

/// The streams that clients may come back to (2025-11-25 transports, "Resumability").
///
/// Calls under way are bounded by their callers' limits and hold little before their answer;
/// answers wait here for a while and within a size, the oldest giving way first.
final class ResumableStreams: Sendable {
    static let keptFor = Duration.seconds(60)
    static let answerBytesMax = 32 << 20
    /// How long a client shall wait before it comes back.
    static let retry = Duration.seconds(1)
    private static let nameBytes = 9

    private struct Answered {
        let name: Name
        let bytes: Int
    }

    private struct State {
        var logs: [Name: StreamLog] = [:]
        /// In the order in which they ended.
        var answered: [Answered] = []
        var answeredBytes = 0

        mutating func forget(_ name: Name) {
            logs[name] = nil
            guard let place = answered.firstIndex(where: { $0.name == name }) else {
                return
            }
            answeredBytes -= answered.remove(at: place).bytes
        }
    }

    private let state = Mutex(State())

    /// nil when the system has no random bytes: then the stream cannot be resumed, as any may.
    func begin(for owner: StreamLog.Owner) -> StreamLog? {
        guard let name = try? Base64URL.encode(randomBytes(Self.nameBytes)) else { return nil }
        let log = StreamLog(name: Name(name), owner: owner)
        state.withLock { $0.logs[log.name] = log }
        return log
    }

    /// The stream and the event that an id names; nil for one that is unknown or not theirs.
    func find(_ eventID: String, for owner: StreamLog.Owner) -> (log: StreamLog, number: Int)? {
        guard let dot = eventID.utf8.lastIndex(of: UInt8(ascii: ".")) else { return nil }
        let digits = String(Substring(eventID.utf8[eventID.utf8.index(after: dot)...]))
        guard let number = Int(digits), number >= 0, String(number).isByteEqual(to: digits),
            let log = state.withLock({ $0.logs[Name(String(Substring(eventID.utf8[..<dot])))] }),
            log.owner == owner
        else { return nil }
        return (log, number)
    }

    /// The answer has been given to the log. On the loop.
    func ended(_ log: StreamLog, on loop: EventLoop) {
        let name = log.name
        let bytes = log.byteCount
        state.withLock { state in
            guard state.logs[name] != nil else { return }
            state.answered.append(Answered(name: name, bytes: bytes))
            state.answeredBytes += bytes
            while state.answeredBytes > Self.answerBytesMax, let oldest = state.answered.first {
                state.forget(oldest.name)
            }
        }
        _ = loop.schedule(at: loop.now.advanced(by: Self.keptFor)) { self.forget(name) }
    }

    func forget(_ name: Name) { state.withLock { $0.forget(name) } }

    /// The client has ended the session: it will not come back.
    func forget(session owner: StreamLog.Owner) {
        let theirs = state.withLock { state in
            let theirs = state.logs.values.filter { $0.owner == owner }
            for log in theirs { state.forget(log.name) }
            return theirs
        }
        for log in theirs { log.abandon() }
    }
}
