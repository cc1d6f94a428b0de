import Enforcement
import JSON
import Synchronization

/// What one catalogue means to a transport: the gate over its tools, and what is derived from it.
/// Immutable but for caches, and swapped whole on reload, so a call sees one policy throughout.
final class Serving: Sendable {
    let gate: Gate
    let description: ServerDescription
    let resource: ProtectedResource
    let toolLists = ToolListCache()
    /// The same over all reloads; nil where no task is kept.
    let tasks: TaskDesk?
    /// nil where nothing is signed here.
    let tokens: TokenEndpoint?
    /// By which those outside see what calls hold; nil where nobody is told.
    let rules: MaskRules?
    /// nil where there is none.
    let console: ConsoleServing?

    init(
        gate: Gate, description: ServerDescription, resource: ProtectedResource,
        tasks: TaskDesk? = nil, tokens: TokenEndpoint? = nil, rules: MaskRules? = nil,
        console: ConsoleServing? = nil
    ) {
        self.gate = gate
        self.description = description
        self.resource = resource
        self.tasks = tasks
        self.tokens = tokens
        self.rules = rules
        self.console = console
    }
}

/// The `Serving` of this moment, and who waits to hear of the next one.
final class CurrentServing: Sendable {
    let subscriptions: Subscriptions
    private let held: Mutex<Serving>

    init(_ serving: Serving, subscriptions: Subscriptions = Subscriptions()) {
        self.subscriptions = subscriptions
        held = Mutex(serving)
    }

    var value: Serving { held.withLock { $0 } }

    func replace(with serving: Serving) {
        let before = held.withLock { held in
            defer { held = serving }
            return held
        }
        before.gate.retire()
        subscriptions.served(serving, insteadOf: before)
    }
}
