import Enforcement
import JSON
import Synchronization

/// What one call's stream has said, so that a client whose connection broke can hear the rest.
///
/// One reader at a time: a client that comes back takes the stream over, and the connection
/// before hears nothing more, so that no message is sent on two of them.
final class StreamLog: Sendable {
    /// Who may come back: nobody else learns that the stream exists.
    struct Owner: Hashable, Sendable {
        let issuer: Name
        let subject: Name
        /// Empty for a client that does not use the session it was given.
        let session: Name

        init(_ caller: CallerID, session: String?) {
            issuer = caller.issuer
            subject = caller.subject
            self.session = Name(session ?? "")
        }
    }

    struct Event: Sendable {
        let number: Int
        let message: [UInt8]
        fileprivate let isReport: Bool
    }

    /// Belongs to one task.
    final class Reader: @unchecked Sendable {
        fileprivate let signal = Signal()
        fileprivate var seen: Int

        fileprivate init(after number: Int) { seen = number }
    }

    private struct State {
        var events: [Event] = []
        var last = 0
        var isOver = false
        var reader: Reader?
    }

    /// Beside the answer. Of reports only the latest is kept, so this bounds questions alone.
    static let eventsMax = 64

    /// Unlike that of any other stream of this server or of one before it.
    let name: Name
    let owner: Owner
    private let state = Mutex(State())

    init(name: Name, owner: Owner) {
        self.name = name
        self.owner = owner
    }

    func id(of number: Int) -> String { "\(name.text).\(number)" }

    var byteCount: Int { state.withLock { $0.events.reduce(0) { $0 + $1.message.count } } }

    /// False when there is no more room, or the answer has been given.
    func append(_ message: [UInt8], isReport: Bool = false, isLast: Bool = false) -> Bool {
        let (isKept, reader): (Bool, Reader?) = state.withLock { state in
            guard !state.isOver else { return (false, nil) }
            if isReport || isLast { state.events.removeAll { $0.isReport } }
            guard isLast || state.events.count < Self.eventsMax else { return (false, nil) }
            state.last += 1
            state.events.append(
                Event(number: state.last, message: message, isReport: isReport))
            state.isOver = isLast
            return (true, state.reader)
        }
        reader?.signal.give()
        return isKept
    }

    /// Ends without an answer, for a call that its client has cancelled.
    func abandon() {
        let reader = state.withLock { state in
            state.isOver = true
            state.events = []
            return state.reader
        }
        reader?.signal.give()
    }

    /// Takes the stream over. nil where nothing is to come: that client has the answer, or tells of
    /// an event that never was.
    func read(after number: Int) -> Reader? {
        let reader = Reader(after: number)
        let (isTaken, before): (Bool, Reader?) = state.withLock { state in
            guard number <= state.last, !state.isOver || number < state.last else {
                return (false, nil)
            }
            defer { state.reader = reader }
            return (true, state.reader)
        }
        before?.signal.give()
        return isTaken ? reader : nil
    }

    /// nil when all has been said, another reader has taken over, or the task is cancelled.
    func next(for reader: Reader) async -> Event? {
        while !Task.isCancelled {
            let (event, isOver): (Event?, Bool) = state.withLock { state in
                guard state.reader === reader else { return (nil, true) }
                return (state.events.first { $0.number > reader.seen }, state.isOver)
            }
            if let event {
                reader.seen = event.number
                return event
            }
            if isOver { return nil }
            await reader.signal.wait()
        }
        return nil
    }
}
