// Stand-ins for declarations of module Enforcement that land with the policy; removed when they do.
package import Enforcement
package import JSON

package struct Grant: Sendable {
    package var scopes: [Name]
    package var groups: [Name]
    package var subjects: [Name]

    package init(scopes: [Name], groups: [Name], subjects: [Name]) {
        self.scopes = scopes
        self.groups = groups
        self.subjects = subjects
    }
}

package struct Rule: Sendable {
    package enum Effect: String, Sendable { case deny, approve }

    package var id: Name
    package var effect: Effect
    package var when: Condition
    package var reason: String
    package var instead: String?

    package init(id: Name, effect: Effect, when: Condition, reason: String, instead: String?) {
        self.id = id
        self.effect = effect
        self.when = when
        self.reason = reason
        self.instead = instead
    }
}

package indirect enum Condition: Sendable {
    case fact(Fact, Test)
    case all([Condition])
    case any([Condition])
    case not(Condition)
}

package enum Fact: Sendable {
    case callerSubject, callerIssuer, callerKind, callerGroups, callerClaim(String)
    case clientID, clientAddress, toolName, toolEffect, toolTags, backend
    case argument(String), anyArgument
}

package enum Test: Sendable {
    case oneOf([JSONValue]), glob(String), over(JSONNumber), under(JSONNumber), present(Bool)
    case matches(Pattern)
}

package struct MaskRule: Sendable {
    package enum Target: Sendable { case column(backend: Name, ColumnPath), field(Name) }
    package enum Strategy: String, Sendable { case redact, partial }

    package var id: Name
    package var target: Target
    package var strategy: Strategy

    package init(id: Name, target: Target, strategy: Strategy) {
        self.id = id
        self.target = target
        self.strategy = strategy
    }
}

package struct RevealRule: Sendable {
    package var id: Name
    package var target: MaskRule.Target
    package var groups: [Name]

    package init(id: Name, target: MaskRule.Target, groups: [Name]) {
        self.id = id
        self.target = target
        self.groups = groups
    }
}

package struct Policy: Sendable {
    package var grants: [Grant]
    package var rules: [Rule]
    package var masks: [MaskRule]
    package var reveals: [RevealRule]

    package init(grants: [Grant], rules: [Rule], masks: [MaskRule], reveals: [RevealRule]) {
        self.grants = grants
        self.rules = rules
        self.masks = masks
        self.reveals = reveals
    }
}

package struct LocalUser: Sendable {
    /// The operating system's name of the user, or `*`.
    package var user: String
    package var subject: String
    package var groups: [Name]

    package init(user: String, subject: String, groups: [Name]) {
        self.user = user
        self.subject = subject
        self.groups = groups
    }
}

package struct Pattern: Sendable {
    package let text: String

    package init(_ text: String) throws(PatternError) { self.text = text }
}

package struct PatternError: Error { package var message: String }
