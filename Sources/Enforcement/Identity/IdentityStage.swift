// Who is calling?
//
// Every request on every transport brings a credential; this stage alone turns one into an
// `IdentifiedCaller`. A verified token is remembered by its digest until it expires, so that the
// hot path costs a hash and not a signature. It must never keep a token's text, and never answer
// "nobody": what cannot be established is refused.

package import JSON
import Synchronization

/// Proof that a caller's credential was verified.
package struct IdentifiedCaller: Sendable {
    /// One reference, shared by all calls of one credential.
    fileprivate final class Established: Sendable {
        let caller: Caller
        let id: CallerID
        let recordMembers: [UInt8]
        let verified: VerifiedToken

        init(_ verified: VerifiedToken) {
            caller = verified.caller
            self.verified = verified
            id = CallerID(
                issuer: Name(caller.issuer), subject: Name(caller.subject), groups: caller.groups)
            recordMembers = caller.recordMembers
        }
    }

    fileprivate let established: Established

    fileprivate init(_ verified: VerifiedToken) { established = Established(verified) }

    // Lent, not copied: a caller has many parts.
    package var caller: Caller { _read { yield established.caller } }
    /// Equal for callers who are treated alike: same person, same groups.
    package var id: CallerID { _read { yield established.id } }
    var recordMembers: [UInt8] { established.recordMembers }
}

package struct CallerID: Hashable, Sendable {
    private struct Parts {
        let issuer: Name
        let subject: Name
        let groups: [Name]
        /// Made once: a call looks for its caller in many tables.
        let hash: Int
    }

    private let parts: Kept<Parts>

    package var issuer: Name { parts.value.issuer }
    package var subject: Name { parts.value.subject }
    package var groups: [Name] { parts.value.groups }

    package init(issuer: Name, subject: Name, groups: [Name]) {
        var hasher = Hasher()
        hasher.combine(issuer)
        hasher.combine(subject)
        parts = Kept(
            Parts(issuer: issuer, subject: subject, groups: groups, hash: hasher.finalize()))
    }

    package static func == (left: CallerID, right: CallerID) -> Bool {
        left.parts === right.parts
            || left.isSamePerson(as: right) && left.groups == right.groups
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(parts.value.hash) }

    /// Whatever their groups.
    func isSamePerson(as other: CallerID) -> Bool {
        parts === other.parts || issuer == other.issuer && subject == other.subject
    }

    package static let nobody = CallerID(issuer: "", subject: "", groups: [])
}

/// A call whose caller is established and still good at this moment.
package struct IdentifiedCall: Sendable {
    package let arrived: ArrivedCall
    fileprivate init(_ arrived: ArrivedCall) { self.arrived = arrived }

    /// The call that its caller made before and comes back for.
    func standing(for request: ApprovalRequest, _ resumption: Resumption) -> IdentifiedCall {
        IdentifiedCall(ArrivedCall(arrived, standingFor: request, resumption))
    }
}

/// What a transport presents on behalf of its peer.
package enum Credential: Sendable {
    case bearer(String, shown: Showing = Showing())
    /// Shown on the connection by a client that sends no token.
    case certificate(ShownCertificate)
    /// stdio only: the login name of the user whose process this is.
    case localUser(String)
    case none
    /// There should be one, and why there is not, for the person who started us.
    case unreadable(String)
}

package final class IdentityStage: Sendable {
    /// Beyond this many the older half is forgotten; a miss costs one signature check.
    static let cachedTokensMax = 10_000

    private let issuers: TrustedIssuers
    private let localUsers: [LocalUser]
    private let now: @Sendable () -> Int
    private let revocations: Revocations?
    private let possession: PossessionCheck
    private let verified = TokenMemory<IdentifiedCaller>(cachedTokensMax)

    /// `now` gives seconds since 1970. `proofs` remembers proofs of possession; without it a token
    /// that needs one is refused.
    package init(
        issuers: TrustedIssuers, localUsers: [LocalUser] = [], revocations: Revocations? = nil,
        proofs: (any StateStore)? = nil,
        now: @escaping @Sendable () -> Int = WallClock.seconds
    ) {
        self.issuers = issuers
        self.localUsers = localUsers
        self.revocations = revocations
        possession = PossessionCheck(store: proofs, now: now)
        self.now = now
    }

    package func identify(_ credential: Credential) async throws(Refusal) -> IdentifiedCaller {
        switch credential {
        case .bearer(let token, let showing): try await identify(token: token, showing)
        case .certificate(let shown): try await identify(certificate: shown)
        case .localUser(let user): try await identify(localUser: user)
        case .unreadable(let reason):
            throw Refusal(.identityMissing, "The access token cannot be read: \(reason).")
        case .none: throw .noToken
        }
    }

    /// False when the proof has run out: then its credential must be presented again.
    func holds(_ caller: IdentifiedCaller) -> Bool {
        guard isCurrent(caller.established),
            caller.caller.expires.map({ $0 > now() }) ?? true
        else { return false }
        guard let revocations else { return true }
        return revocations.isRevoked(caller.caller) == false
    }

    /// A proof may be older than its call (a session on stdio, a call that waited): what it says
    /// must still hold now.
    func confirm(_ arrived: ArrivedCall) async throws(Refusal) -> IdentifiedCall {
        let established = arrived.caller.established
        try refuseExpired(established.caller)
        if let revocations, revocations.isRevoked(established.caller) != false {
            try await revocations.refuse(established.caller)
        }
        return IdentifiedCall(arrived)
    }

    private func identify(
        token: String, _ showing: Showing
    ) async throws(Refusal) -> IdentifiedCaller {
        let digest = SHA256.digest(token)
        let known = verified[digest].flatMap { isCurrent($0.established) ? $0 : nil }
        let caller: IdentifiedCaller
        if let known {
            try refuseExpired(known.established.caller)
            caller = known
        } else {
            verified.forget(digest)
            caller = IdentifiedCaller(try await issuers.verify(token, now: now()))
        }
        if let revocations { try await revocations.refuse(caller.caller) }
        if caller.caller.binding != nil || showing.scheme != .bearer {
            try await possession.check(caller.caller.binding, token, showing)
        }
        if known == nil { verified.remember(caller, digest) }
        return caller
    }

    /// Whether what vouched for this caller does so still.
    private func isCurrent(_ caller: IdentifiedCaller.Established) -> Bool {
        let token = caller.verified
        if let recheck = token.recheck, recheck <= now() { return false }
        guard let keys = token.keys else { return true }
        keys.touch()
        return keys.generation == token.generation
    }

    /// Where no issuer names callers by their certificates, one says nothing of who calls.
    private func identify(
        certificate shown: ShownCertificate
    ) async throws(Refusal) -> IdentifiedCaller {
        guard !issuers.certificates.isEmpty else { throw .noToken }
        let caller = try issuers.certificates.caller(shown, now: now())
        if let revocations { try await revocations.refuse(caller) }
        return IdentifiedCaller(VerifiedToken(caller: caller))
    }

    private func identify(localUser user: String) async throws(Refusal) -> IdentifiedCaller {
        guard let caller = LocalUser.caller(user, among: localUsers) else {
            throw Refusal(
                .identityUnknownUser,
                "No token was given and the local user `\(user)` is not listed under `localUsers` in server.json. Set TOOLSERVER_TOKEN, TOOLSERVER_TOKEN_FILE or TOOLSERVER_TOKEN_COMMAND, or list the user."
            )
        }
        if let revocations { try await revocations.refuse(caller) }
        return IdentifiedCaller(VerifiedToken(caller: caller))
    }

    private func refuseExpired(_ caller: Caller) throws(Refusal) {
        guard let expires = caller.expires, expires <= now() else { return }
        throw caller.certificate == nil ? .expiredToken : .unknownCertificate("outside its dates")
    }
}

extension IdentifiedCall {
    /// As the record says. Only for asking rules again, where nothing can run on it.
    static func recorded(_ arrived: ArrivedCall) -> IdentifiedCall {
        precondition(arrived.recorded != nil, "not a call of the record")
        return IdentifiedCall(arrived)
    }
}

extension IdentifiedCaller {
    /// A person whom the operator's own list names, where a signature stands for their word.
    package static func vouched(_ person: Caller) -> IdentifiedCaller {
        IdentifiedCaller(VerifiedToken(caller: person))
    }

    /// Somebody who did not call: for `Gate.judge` and `Gate.edit`, which let nothing run.
    static func supposed(_ caller: Caller) -> IdentifiedCaller {
        IdentifiedCaller(VerifiedToken(caller: caller))
    }
}

extension IdentifiedCall {
    /// Of such a caller.
    static func supposed(_ arrived: ArrivedCall) -> IdentifiedCall { IdentifiedCall(arrived) }
}

extension Refusal {
    fileprivate static var noToken: Refusal {
        Refusal(.identityMissing, "No access token. Send `Authorization: Bearer TOKEN`.")
    }

    package static var expiredToken: Refusal {
        Refusal(.identityExpired, "The access token has expired. Get a new one and send it.")
    }
}

extension Caller {
    /// `"caller":{…}` as every line of the record has it.
    var recordMembers: [UInt8] {
        var writer = JSONWriter()
        writer.name("caller")
        writer.beginObject()
        writer.member("issuer", issuer)
        writer.member("subject", subject)
        writer.member("kind", kind.rawValue)
        if let onBehalfOf { writer.member("for", onBehalfOf) }
        if let clientID { writer.member("client", clientID) }
        writer.member("groups", .array(groups.map { .string($0.text) }))
        if let tokenID { writer.member("token", tokenID) }
        if let certificate { writer.member("certificate", certificate.thumbprint.hex) }
        writer.endObject()
        return writer.finish()
    }
}
