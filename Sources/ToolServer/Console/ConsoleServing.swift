import Enforcement
import JSON

/// What one catalogue means to the console: who its people are, and by which rules they see.
struct ConsoleServing: Sendable {
    /// Knows people by tokens that are meant for the console, and judges as everywhere.
    let serving: Serving
    let rules: MaskRules
    let groups: [Name]

    func admits(_ caller: Caller) -> Bool {
        groups.isEmpty || caller.groups.contains { groups.contains($0) }
    }
}
