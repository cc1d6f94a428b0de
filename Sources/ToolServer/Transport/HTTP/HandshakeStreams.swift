import Enforcement
import EventLoop
import JSON
import Synchronization

/// GET in the handshake era: a stream of what happens, or the rest of a call's stream.
extension MCPEndpoint {
    func receiveStreamRequest(
        _ inbox: Inbox, version: ProtocolVersion, session: String?
    ) async {
        // Nobody else is waiting for what this task does.
        inbox.exchange.cancelsOnDisconnect = true
        guard let last = inbox.http.headers["last-event-id"], !ToolListState.isID(last) else {
            return await tellOfChanges(inbox, version: version, session: session)
        }
        let owner = StreamLog.Owner(inbox.caller.id, session: session)
        guard let (log, number) = streams.find(last, for: owner),
            let reader = log.read(after: number)
        else {
            return refuse(
                400, "`Last-Event-ID` names no stream of yours with more to come.", inbox)
        }
        let stream = inbox.exchange.openEventStream(headers: CallStream.headers)
        await CallStream.read(log, reader, into: stream)
    }

    private func tellOfChanges(
        _ inbox: Inbox, version: ProtocolVersion, session: String?
    ) async {
        let subscriptions = current.subscriptions
        guard let subscriber = subscriptions.open(for: inbox.caller, version, session: session)
        else {
            inbox.exchange.respond(
                .text(
                    429, "You have \(Subscriptions.perCallerMax) streams open, the most allowed.",
                    headers: [("Retry-After", "60")]))
            return
        }
        defer { subscriptions.close(subscriber) }
        subscriber.end(on: inbox.exchange.loop) { current.value.gate.stillHolds(inbox.caller) }
        let stream = inbox.exchange.openEventStream(headers: CallStream.headers)
        defer { stream.end() }
        do throws(StreamClosed) {
            let state = ToolListState(for: inbox.caller, version, in: current.value)
            if version == .latestHandshake {
                try await stream.send(event: [], id: state.nextID(), retry: ResumableStreams.retry)
            } else {
                stream.comment("open")
            }
            if let last = inbox.http.headers["last-event-id"], !state.isSame(asIn: last) {
                try await stream.send(event: ToolsList.changed(), id: state.nextID())
            }
            while let event = await subscriber.next() {
                switch event {
                case .toolsChanged:
                    let state = ToolListState(for: inbox.caller, version, in: current.value)
                    try await stream.send(event: ToolsList.changed(), id: state.nextID())
                // Tasks belong to the other era, where a request of its own asks for them.
                case .taskChanged: break
                }
            }
        } catch {}
    }
}

/// What a caller's list of tools is like, as part of an event id: a client that comes back to its
/// stream with the id of another list has missed a change, and nobody had to remember that.
private struct ToolListState {
    private static let prefix = "tools."
    private static let counter = Atomic<Int>(0)
    private let mark: String

    init(for caller: IdentifiedCaller, _ version: ProtocolVersion, in serving: Serving) {
        let digest = SHA256.digest(ToolsList.whole(for: caller, version, in: serving))
        mark = Self.prefix + Base64URL.encode(Array(digest.bytes.prefix(12))) + "."
    }

    static func isID(_ text: String) -> Bool { text.utf8.starts(with: prefix.utf8) }

    func isSame(asIn id: String) -> Bool { id.utf8.starts(with: mark.utf8) }

    /// No two events of a client may have the same id.
    func nextID() -> String {
        mark + String(Self.counter.wrappingAdd(1, ordering: .relaxed).newValue)
    }
}
