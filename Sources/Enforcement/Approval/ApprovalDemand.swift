package import JSON

/// What a rule that holds calls asks for.
package struct ApprovalDemand: Sendable {
    /// Who may decide: members of any of these, as these issuers name them.
    package var groups: [Name]
    package var issuers: Grantees.Issuers
    /// How many different people of them must agree.
    package var count: Int
    /// How long a request is open, in seconds.
    package var expires: Int
    /// How long a call waits for the decision before its caller gets a handle instead.
    package var hold: Duration

    /// Who else may decide when nobody has for a while.
    package var escalation: Escalation?
    /// Whose yes alone is enough, in an emergency.
    package var force: [Name] = []
    /// Whether the caller must say why.
    package var wantsReason = false
    package var preview: Preview?

    package struct Escalation: Sendable {
        /// In seconds from when it was asked for.
        package var after: Int
        package var groups: [Name]

        package init(after: Int, groups: [Name]) {
            self.after = after
            self.groups = groups
        }
    }

    package static let expiresStandard = 1_800
    package static let holdStandard = Duration.seconds(45)

    package init(
        groups: [Name], of issuers: Grantees.Issuers = .any, count: Int = 1,
        expires: Int = expiresStandard,
        hold: Duration = holdStandard
    ) {
        self.groups = groups
        self.issuers = issuers
        self.count = count
        self.expires = expires
        self.hold = hold
    }
}

/// What holding calls needs beside rules.
package struct ApprovalMeans: Sendable {
    let store: any StateStore
    /// Of all manifests: what was approved under others is not approved.
    let version: String
    let waits: ApprovalWaits

    package init(store: any StateStore, version: String, waits: ApprovalWaits = ApprovalWaits()) {
        self.store = store
        self.version = version
        self.waits = waits
    }
}

/// Where a call that is held says so, beside its answer.
package protocol CallNotice: Sendable {
    /// At once, and from then on about every 15 seconds.
    func waits(_ message: String)
    func goesOn()
}
