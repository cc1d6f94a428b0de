import Enforcement
import JSON
import Synchronization

/// What one catalogue means to a transport: the gate over its tools, and what is derived from it.
/// Immutable but for caches, and swapped whole on reload, so a call sees one policy throughout.
final class Serving: Sendable {
    let gate: Gate
    let description: ServerDescription
    let toolLists = ToolListCache()

    init(gate: Gate, description: ServerDescription) {
        self.gate = gate
        self.description = description
    }
}

/// The `Serving` of this moment.
final class CurrentServing: Sendable {
    private let held: Mutex<Serving>

    init(_ serving: Serving) { held = Mutex(serving) }

    var value: Serving { held.withLock { $0 } }

    func replace(with serving: Serving) { held.withLock { $0 = serving } }
}
