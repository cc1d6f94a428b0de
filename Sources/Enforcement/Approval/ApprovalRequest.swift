// What may become of a request for approval?
//
// One call, exactly: caller, tool, arguments, what would be sent, and the manifests under which all
// that was judged. It is decided by people who are neither its caller nor the person behind it, and
// it serves once. Nothing here waits, stores or runs: these are the rules alone.

package import JSON

package struct ApprovalRequest: Sendable {
    package enum Phase: String, Sendable, CaseIterable {
        case pending, approved, running
        case done, failed, unknown
        case rejected, expired, cancelled

        /// Whether a person's decision or a run may still come.
        package var isOpen: Bool {
            switch self {
            case .pending, .approved, .running: true
            case .done, .failed, .unknown, .rejected, .expired, .cancelled: false
            }
        }
    }

    /// What one rule asks for.
    package struct Need: Sendable {
        package var rule: Name
        package var reason: String
        package var approvers: Grantees
        package var count: Int

        package var escalation: ApprovalDemand.Escalation?
        /// Whose yes alone is enough.
        package var force: [Name] = []

        package var groups: [Name] { approvers.groups }

        /// Whose yes counts, so many seconds after it was asked for.
        package func groups(after seconds: Int) -> [Name] {
            guard let escalation, escalation.after <= seconds else { return approvers.groups }
            return approvers.groups + escalation.groups
        }

        /// Whether somebody of these groups, as this issuer names them, counts for it.
        func counts(_ groups: [Name], of issuer: String, after seconds: Int) -> Bool {
            let wanted = self.groups(after: seconds)
            return approvers.trusts(issuer) && groups.contains { wanted.contains($0) }
        }

        func isForced(by groups: [Name], of issuer: String) -> Bool {
            approvers.trusts(issuer) && groups.contains { force.contains($0) }
        }
    }

    /// One person's yes.
    package struct Vote: Sendable {
        package var person: Person
        package var groups: [Name]
        package var at: Int
        /// Why it was forced; nil for a plain yes.
        package var forced: String?
    }

    /// One person's change of the arguments.
    package struct Edit: Sendable {
        package var person: Person
        package var at: Int
    }

    /// How it ended, or what its last run came to.
    package struct End: Sendable {
        package var at: Int
        package var by: Person?
        package var reason: String?
        package var code: String?
        package var changed: Int?
    }

    package let id: Name
    package let caller: Caller
    package let tool: Name
    package let backend: Name
    package let effect: Tool.Effect
    package var arguments: JSONObject
    /// Exactly what would be sent.
    package var request: JSONValue
    /// What it would touch, by fact.
    package var touches: JSONObject
    package var needs: [Need]
    package var binding: Digest32
    package let created: Int
    package let expires: Int
    /// The caller's own yes, where the tool asks for it.
    package var question: String?
    /// Why the caller wants it, in their words.
    package var reason: String?
    /// From where it was asked.
    package var via = Transport(kind: .stdio, address: "")
    /// What the caller asked for, where somebody changed it since.
    package var asked: JSONObject?
    /// Who changed it, the latest last.
    package var edits: [Edit] = []
    /// Of a request for access: what the approvers left of it.
    package var narrowed: AccessTerms?
    package var votes: [Vote] = []
    package var phase = Phase.pending
    package var end: End?
    /// Of its last run, once there was something to find it by.
    package var trace: RunTrace?

    /// An entry is kept that long after its request is over, so that its caller can learn of it.
    static let keptSeconds = 86_400

    /// Who may decide from the beginning, over all rules.
    package var groups: [Name] { distinct(needs.flatMap(\.groups)) }

    private func distinct(_ names: [Name]) -> [Name] {
        names.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// The rules that do not have all the people yet that they ask for.
    package var open: [Need] {
        needs.filter { need in
            has(need) < need.count
                && !votes.contains {
                    $0.forced != nil && need.isForced(by: $0.groups, of: $0.person.issuer)
                }
        }
    }

    /// Whether somebody alone decided against what the rules ask for.
    package var isForced: Bool { votes.contains { $0.forced != nil } }

    /// Whether it was asked for all of these rules. Those of the same manifests say the same.
    func asks(_ others: [Need]) -> Bool {
        others.allSatisfy { other in needs.contains { $0.rule == other.rule } }
    }

    /// How many people count for this rule so far.
    package func has(_ need: Need) -> Int {
        votes.count { need.counts($0.groups, of: $0.person.issuer, after: $0.at - created) }
    }
}

/// Somebody, as far as it matters who is the same.
package struct Person: Sendable {
    package var issuer: String
    package var subject: String
    package var email: String?

    package init(issuer: String, subject: String, email: String? = nil) {
        self.issuer = issuer
        self.subject = subject
        self.email = email
    }

    package init(_ caller: Caller) {
        self.init(issuer: caller.issuer, subject: caller.subject, email: caller.email)
    }

    /// Two issuers may know one person: the login name on this machine and the sign-in of the
    /// company. So one name is one person wherever it comes from, which can only ask for more
    /// people than needed.
    package func mayBe(_ other: Person) -> Bool {
        if subject.isByteEqual(to: other.subject) { return true }
        guard let email, let second = other.email else { return false }
        return email.lowercased().isByteEqual(to: second.lowercased())
    }
}

// MARK: Decisions

/// Why a decision does not count.
package enum ApprovalObjection: Error, Sendable {
    case over(ApprovalRequest.Phase)
    case ownCall, agent, group([Name]), force([Name]), again, reasonMissing, reasonLong
    /// It was changed since they looked; so many times by now.
    case changed(Int)
    /// They changed it themselves.
    case ownEdit
    case sameArguments, tooManyEdits
    /// Of requests for access: they give less than was asked for, and never more or something else.
    case notForAccess, wider(String), nothingLeft, onlyNarrower
    case unknownGrant, notTheirGrant([Name]), grantOver
    case unknown, ambiguous, raced
    case unusable(Refusal)
}

extension ApprovalRequest {
    static let reasonMax = 500

    /// Whether this person may decide about it at all.
    package func check(_ approver: Caller, now: Int) throws(ApprovalObjection) {
        guard approver.kind == .human, approver.onBehalfOf == nil else { throw .agent }
        let person = Person(approver)
        // The person behind an agent is known by name alone, and their own address is the token's.
        let behind = caller.onBehalfOf.map {
            Person(issuer: caller.issuer, subject: $0, email: caller.email)
        }
        guard !person.mayBe(Person(caller)), behind.map({ !person.mayBe($0) }) ?? true else {
            throw .ownCall
        }
        let isAsked = needs.contains { need in
            need.counts(approver.groups, of: approver.issuer, after: now - created)
                || need.isForced(by: approver.groups, of: approver.issuer)
        }
        guard isAsked else { throw .group(deciding(now: now)) }
    }

    /// Whether this person may decide about it, now or after it has waited longer: nobody else need
    /// know that it is there.
    package func concerns(_ person: Caller) -> Bool {
        do throws(ApprovalObjection) {
            // When every escalation has come.
            try check(person, now: .max)
            return true
        } catch { return false }
    }

    private func deciding(now: Int) -> [Name] {
        distinct(needs.flatMap { $0.groups(after: now - created) })
    }

    package mutating func approve(_ approver: Caller, now: Int) throws(ApprovalObjection) {
        try check(approver, now: now)
        guard phase == .pending else { throw .over(phase) }
        let vote = vote(of: approver, at: now)
        guard !hasEdited(vote.person) else { throw .ownEdit }
        guard !votes.contains(where: { $0.person.mayBe(vote.person) }) else { throw .again }
        let counts = needs.contains { need in
            need.counts(vote.groups, of: approver.issuer, after: now - created)
        }
        // Who may only force it does so in so many words.
        guard counts else { throw .group(deciding(now: now)) }
        votes.append(vote)
        if open.isEmpty { phase = .approved }
    }

    /// One person alone, of the groups that every rule names for an emergency which is not
    /// satisfied yet. They are another person than the caller all the same.
    package mutating func force(
        _ approver: Caller, reason: String, now: Int
    ) throws(ApprovalObjection) {
        try check(approver, now: now)
        guard phase == .pending else { throw .over(phase) }
        try Self.check(reason)
        var vote = vote(of: approver, at: now)
        guard !hasEdited(vote.person) else { throw .ownEdit }
        vote.forced = reason
        var forced = self
        forced.votes.removeAll { $0.person.mayBe(vote.person) }
        forced.votes.append(vote)
        guard forced.open.isEmpty else { throw .force(distinct(open.flatMap(\.force))) }
        forced.phase = .approved
        self = forced
    }

    private func vote(of approver: Caller, at now: Int) -> Vote {
        let named = distinct(
            needs.flatMap { $0.groups + ($0.escalation?.groups ?? []) + $0.force })
        return Vote(
            person: Person(approver), groups: named.filter { approver.groups.contains($0) },
            at: now)
    }

    private static func check(_ reason: String) throws(ApprovalObjection) {
        guard reason.contains(where: { !$0.isWhitespace }) else { throw .reasonMissing }
        guard reason.utf8.count <= reasonMax else { throw .reasonLong }
    }

    /// One no is enough, also after a yes of others, as long as nothing runs.
    package mutating func reject(
        _ approver: Caller, reason: String, now: Int
    ) throws(ApprovalObjection) {
        try check(approver, now: now)
        guard phase == .pending || phase == .approved else { throw .over(phase) }
        try Self.check(reason)
        phase = .rejected
        end = End(at: now, by: Person(approver), reason: reason)
    }

    /// What time has made of it.
    mutating func age(now: Int) -> Bool {
        guard phase == .pending || phase == .approved, expires <= now else { return false }
        phase = .expired
        end = End(at: expires)
        return true
    }
}

extension ApprovalRequest {
    /// How each line of the record about it begins. `person` is who did something about it.
    func line(_ event: String, by person: IdentifiedCaller? = nil) -> JSONWriter {
        var writer = JSONWriter()
        writer.member("event", event)
        writer.member("v", RecordForm.version)
        writer.member("approval", id.text)
        if let person { writer.raw(person.recordMembers) }
        writer.member("tool", tool.text)
        return writer
    }
}
