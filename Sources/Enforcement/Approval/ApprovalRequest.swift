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

        package var groups: [Name] { approvers.groups }

        /// Whether somebody of these groups, as this issuer names them, counts for it.
        func counts(_ groups: [Name], of issuer: String) -> Bool {
            approvers.trusts(issuer) && groups.contains { approvers.groups.contains($0) }
        }
    }

    /// One person's yes.
    package struct Vote: Sendable {
        package var person: Person
        package var groups: [Name]
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
    package let arguments: JSONObject
    /// Exactly what would be sent.
    package let request: JSONValue
    /// What it would touch, by fact.
    package let touches: JSONObject
    package let needs: [Need]
    package let binding: Digest32
    package let created: Int
    package let expires: Int
    /// The caller's own yes, where the tool asks for it.
    package let question: String?
    package var votes: [Vote] = []
    package var phase = Phase.pending
    package var end: End?

    /// An entry is kept that long after its request is over, so that its caller can learn of it.
    static let keptSeconds = 86_400

    /// Who may decide, over all rules.
    package var groups: [Name] {
        var groups: [Name] = []
        for group in needs.flatMap(\.groups) where !groups.contains(group) { groups.append(group) }
        return groups
    }

    /// The rules that do not have all the people yet that they ask for.
    package var open: [Need] { needs.filter { has($0) < $0.count } }

    /// Whether it was asked for all of these rules. Those of the same manifests say the same.
    func asks(_ others: [Need]) -> Bool {
        others.allSatisfy { other in needs.contains { $0.rule == other.rule } }
    }

    /// How many people count for this rule so far.
    package func has(_ need: Need) -> Int {
        votes.count { need.counts($0.groups, of: $0.person.issuer) }
    }

    /// The caller's stated reason, where the tool asks for one.
    package var reason: String? { arguments["reason"]?.string }
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
    case ownCall, agent, group([Name]), again, reasonMissing, reasonLong
    case unknown, ambiguous, raced
    case unusable(Refusal)
}

extension ApprovalRequest {
    static let reasonMax = 500

    /// Whether this person may decide about it at all.
    package func check(_ approver: Caller) throws(ApprovalObjection) {
        guard approver.kind == .human, approver.onBehalfOf == nil else { throw .agent }
        let person = Person(approver)
        // The person behind an agent is known by name alone, and their own address is the token's.
        let behind = caller.onBehalfOf.map {
            Person(issuer: caller.issuer, subject: $0, email: caller.email)
        }
        guard !person.mayBe(Person(caller)), behind.map({ !person.mayBe($0) }) ?? true else {
            throw .ownCall
        }
        guard needs.contains(where: { $0.counts(approver.groups, of: approver.issuer) }) else {
            throw .group(groups)
        }
    }

    package mutating func approve(_ approver: Caller, now: Int) throws(ApprovalObjection) {
        try check(approver)
        guard phase == .pending else { throw .over(phase) }
        let person = Person(approver)
        guard !votes.contains(where: { $0.person.mayBe(person) }) else { throw .again }
        votes.append(
            Vote(
                person: person, groups: groups.filter { approver.groups.contains($0) }, at: now))
        if open.isEmpty { phase = .approved }
    }

    /// One no is enough, also after a yes of others, as long as nothing runs.
    package mutating func reject(
        _ approver: Caller, reason: String, now: Int
    ) throws(ApprovalObjection) {
        try check(approver)
        guard phase == .pending || phase == .approved else { throw .over(phase) }
        guard reason.contains(where: { !$0.isWhitespace }) else { throw .reasonMissing }
        guard reason.utf8.count <= Self.reasonMax else { throw .reasonLong }
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
