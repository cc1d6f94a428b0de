package import JSON

/// Everything that the policy files say, merged. The stages compile what they need from it.
package struct Policy: Sendable {
    package var grants: [Grant]
    /// What may be asked for, for a while.
    package var access: [AccessOffer]
    package var rules: [Rule]
    package var masks: [MaskRule]
    package var reveals: [RevealRule]
    /// About values of some kinds, wherever they stand.
    package var values: [ValueRule]
    package var valueReveals: [ValueReveal]
    package var detectors: [OwnDetector]

    package init(
        grants: [Grant] = [], rules: [Rule] = [], masks: [MaskRule] = [],
        reveals: [RevealRule] = [], values: [ValueRule] = [], valueReveals: [ValueReveal] = [],
        detectors: [OwnDetector] = [], access: [AccessOffer] = []
    ) {
        self.access = access
        self.grants = grants
        self.rules = rules
        self.masks = masks
        self.reveals = reveals
        self.values = values
        self.valueReveals = valueReveals
        self.detectors = detectors
    }
}

/// A condition under which a call is refused, held for a person or counted.
package struct Rule: Sendable {
    package enum Effect: String, Sendable, CaseIterable { case deny, approve, limit }
    package enum Mode: String, Sendable, CaseIterable {
        case enforce
        /// What would have become of the call is recorded, and nothing else happens.
        case observe
    }

    package var id: Name
    package var effect: Effect
    package var mode: Mode
    /// Of a `limit`: how much is allowed.
    package var quota: Quota?
    package var when: Condition
    package var reason: String
    /// What the caller can do instead; told with the refusal.
    package var instead: String?
    /// Who is asked, for `approve`. Nil is nobody, and then such a call is refused.
    package var approval: ApprovalDemand?

    package init(
        id: Name, effect: Effect, when: Condition, reason: String, instead: String? = nil,
        mode: Mode = .enforce, quota: Quota? = nil, approval: ApprovalDemand? = nil
    ) {
        self.approval = approval
        self.id = id
        self.effect = effect
        self.mode = mode
        self.quota = quota
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

/// What a rule can look at. To add a fact: a case here, its values in `Facts`, its name in the
/// policy manifest.
package enum Fact: Sendable {
    case callerSubject, callerIssuer, callerKind, callerGroups
    /// The person an agent acts for; the caller where there is none.
    case callerPerson
    /// Only one that the issuer has verified.
    case callerEmail
    case callerClaim(String)
    case clientID, clientAddress
    case toolName, toolEffect, toolTags
    case backend
    case argument(String)
    /// Every string anywhere in the arguments.
    case anyArgument
    case statement(StatementFact)
    /// Of the request that would be sent. The path is in its canonical form.
    case httpMethod, httpHost, httpPath
    /// When the call came, to be tested by the hours of a day.
    case time
    case usage(UsageFact)
}

package enum Test: Sendable {
    /// A string that holds `*` is a glob.
    case oneOf([JSONValue])
    case glob(String)
    case over(JSONNumber)
    case under(JSONNumber)
    case present(Bool)
    case matches(Pattern)
    /// Of an address.
    case within([NetworkRange])
    case hours(HourWindow)
}

package struct MaskRule: Sendable {
    package enum Target: Sendable, Hashable {
        case column(backend: Name, ColumnPath)
        /// A place in the documents that a column holds.
        case inside(backend: Name, ColumnPath, DocumentPath)
        /// A name of a column or field, whatever its case and separators.
        case field(Name)
        /// A place in the answers that are documents.
        case document(DocumentPath)
    }
    /// From the mildest to the strictest.
    package enum Strategy: String, Sendable, CaseIterable {
        case keep, partial, pseudonym, zero, null, redact
    }

    package var id: Name
    package var target: Target
    package var strategy: Strategy
    /// Whether it may decide which rows a caller's own statement sees, or in what order.
    package var mayFilter: Bool
    /// The rule that lifts it for one caller.
    var liftedBy: Name?

    package init(id: Name, target: Target, strategy: Strategy, mayFilter: Bool = false) {
        self.id = id
        self.target = target
        self.strategy = strategy
        self.mayFilter = mayFilter
    }
}

/// Lifts the masks of one target for the members of some groups.
package struct RevealRule: Sendable {
    package var id: Name
    package var target: MaskRule.Target
    package var to: Grantees

    package init(
        id: Name, target: MaskRule.Target, groups: [Name], of issuers: Grantees.Issuers = .any
    ) {
        self.id = id
        self.target = target
        to = Grantees(groups: groups, of: issuers)
    }

    func holds(for caller: Caller) -> Bool { to.include(caller) }
}

/// An operating-system user who may call over stdio without a token.
package struct LocalUser: Sendable {
    /// The login name; `*` is anyone who can start the process.
    package var user: String
    package var subject: String
    package var groups: [Name]

    package init(user: String, subject: String, groups: [Name]) {
        self.user = user
        self.subject = subject
        self.groups = groups
    }

    /// Who a user of the operating system is here; nil for one who is not listed.
    package static func caller(_ user: String, among listed: [LocalUser]) -> Caller? {
        guard
            let mapped = listed.first(where: { $0.user.isByteEqual(to: user) })
                ?? listed.first(where: { $0.user.isByteEqual(to: "*") })
        else { return nil }
        let subject = mapped.subject.isByteEqual(to: "*") ? user : mapped.subject
        return Caller(issuer: "local-user", subject: subject, groups: mapped.groups)
    }
}
