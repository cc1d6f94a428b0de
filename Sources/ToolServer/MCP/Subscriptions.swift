import Enforcement
import EventLoop
import JSON
import Synchronization

/// Who waits to hear that something has changed: `subscriptions/listen` of the stateless era, and
/// the GET streams and pipes of the handshake era.
final class Subscriptions: Sendable {
    enum Event: Hashable, Sendable {
        case toolsChanged
        case taskChanged(Name)
    }

    /// One who waits. What happens twice before it is taken counts once, so nothing piles up.
    final class Subscriber: Sendable {
        let caller: IdentifiedCaller
        let version: ProtocolVersion
        /// Of the handshake era's GET streams: a message goes out on one of a session's streams.
        let session: Name?

        private let state = Mutex((events: [Event](), tasks: Set<Name>(), isOver: false))
        private let signal = Signal()

        fileprivate init(
            _ caller: IdentifiedCaller, _ version: ProtocolVersion, session: Name?
        ) {
            self.caller = caller
            self.version = version
            self.session = session
        }

        /// From now on; what these tasks are now is told first, since they may have ended already.
        func follow(_ tasks: [Name]) {
            state.withLock { $0.tasks = Set(tasks) }
            for task in tasks { post(.taskChanged(task)) }
        }

        fileprivate func follows(_ task: Name) -> Bool {
            state.withLock { $0.tasks.contains(task) }
        }

        func post(_ event: Event) {
            state.withLock { state in
                if !state.events.contains(event) { state.events.append(event) }
            }
            signal.give()
        }

        /// What was posted before can still be taken.
        func end() {
            state.withLock { $0.isOver = true }
            signal.give()
        }

        /// Ends it when its caller's proof has run out. On the loop.
        func end(on loop: EventLoop, unless holds: @escaping () -> Bool) {
            _ = loop.schedule(at: loop.now.advanced(by: Subscriptions.proofInterval)) {
                [weak self] in
                guard let self, !self.state.withLock({ $0.isOver }) else { return }
                if holds() { self.end(on: loop, unless: holds) } else { self.end() }
            }
        }

        /// nil at the end, or when the task is cancelled.
        func next() async -> Event? {
            while !Task.isCancelled {
                let (event, isOver): (Event?, Bool) = state.withLock { state in
                    (state.events.isEmpty ? nil : state.events.removeFirst(), state.isOver)
                }
                if event != nil || isOver { return event }
                await signal.wait()
            }
            return nil
        }
    }

    /// How long a stream may outlive its caller's proof.
    private static let proofInterval = Duration.seconds(30)
    /// A person with this many clients at once is none.
    static let perCallerMax = 32

    private struct State {
        /// In the order in which they came.
        var all: [Subscriber] = []
        var isEnding = false
        /// What holds since the last reload; nil before the first.
        var latest: Serving?
    }

    private let state = Mutex(State())

    /// What holds now, for a stream that has been open since `first`.
    func latest(since first: Serving) -> Serving { state.withLock { $0.latest } ?? first }

    var count: Int { state.withLock { $0.all.count } }

    /// nil when this caller has too many.
    func open(
        for caller: IdentifiedCaller, _ version: ProtocolVersion, session: String? = nil
    ) -> Subscriber? {
        let subscriber = Subscriber(caller, version, session: session.map { Name($0) })
        return state.withLock { state in
            let theirs = state.all.filter { $0.caller.id.isSamePerson(as: caller.id) }
            guard theirs.count < Self.perCallerMax else { return nil }
            state.all.append(subscriber)
            if state.isEnding { subscriber.end() }
            return subscriber
        }
    }

    func close(_ subscriber: Subscriber) {
        state.withLock { state in state.all.removeAll { $0 === subscriber } }
    }

    /// Tells those whose own list is another one now.
    func served(_ new: Serving, insteadOf old: Serving) {
        state.withLock { $0.latest = new }
        struct Key: Hashable {
            let caller: CallerID
            let version: Name
        }
        var known: [Key: Bool] = [:]
        var told: Set<Name> = []
        // The newest stream of a session first: it is the likeliest to be alive.
        for subscriber in state.withLock({ $0.all }).reversed() {
            if let session = subscriber.session, !told.insert(session).inserted { continue }
            let caller = subscriber.caller
            let key = Key(caller: caller.id, version: Name(subscriber.version.text))
            let isOther =
                known[key]
                ?? (ToolsList.whole(for: caller, subscriber.version, in: old)
                    != ToolsList.whole(for: caller, subscriber.version, in: new))
            known[key] = isOther
            if isOther { subscriber.post(.toolsChanged) }
        }
    }

    /// Something was granted to these callers for a while, or has ended.
    func changed(toolsOf callers: Set<Digest32>) {
        for subscriber in state.withLock({ $0.all })
        where callers.contains(subscriber.caller.caller.principal) {
            subscriber.post(.toolsChanged)
        }
    }

    func changed(task: Name) {
        for subscriber in state.withLock({ $0.all }) where subscriber.follows(task) {
            subscriber.post(.taskChanged(task))
        }
    }

    func end(session: String) {
        let name = Name(session)
        for subscriber in state.withLock({ $0.all }) where subscriber.session == name {
            subscriber.end()
        }
    }

    /// The server stops.
    func endAll() {
        let all = state.withLock { state in
            state.isEnding = true
            return state.all
        }
        for subscriber in all { subscriber.end() }
    }
}

extension CallerID {
    fileprivate func isSamePerson(as other: CallerID) -> Bool {
        issuer == other.issuer && subject == other.subject
    }
}
