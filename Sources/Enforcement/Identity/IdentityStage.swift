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

        init(_ caller: Caller) {
            self.caller = caller
            id = CallerID(
                issuer: Name(caller.issuer), subject: Name(caller.subject), groups: caller.groups)
            recordMembers = caller.recordMembers
        }
    }

    fileprivate let established: Established

    fileprivate init(_ caller: Caller) { established = Established(caller) }

    package var caller: Caller { established.caller }
    /// Equal for callers who are treated alike: same person, same groups.
    package var id: CallerID { established.id }
    var recordMembers: [UInt8] { established.recordMembers }
}

package struct CallerID: Hashable, Sendable {
    package let issuer: Name
    package let subject: Name
    package let groups: [Name]

    package init(issuer: Name, subject: Name, groups: [Name]) {
        self.issuer = issuer
        self.subject = subject
        self.groups = groups
    }

    package static let nobody = CallerID(issuer: "", subject: "", groups: [])
}

/// A call whose caller is established and still good at this moment.
package struct IdentifiedCall: Sendable {
    package let arrived: ArrivedCall
    fileprivate init(_ arrived: ArrivedCall) { self.arrived = arrived }
}

/// What a transport presents on behalf of its peer.
package enum Credential: Sendable {
    case bearer(String)
    /// stdio only: the login name of the user whose process this is.
    case localUser(String)
    case none
    /// There should be one, and why there is not, for the person who started us.
    case unreadable(String)
}

package final class IdentityStage: Sendable {
    /// Beyond this many live tokens the cache starts anew; a miss costs one signature check.
    static let cachedTokensMax = 10_000

    private let issuers: TrustedIssuers
    private let localUsers: [LocalUser]
    private let now: @Sendable () -> Int
    private let verified = Mutex<[Digest32: IdentifiedCaller]>([:])

    /// `now` gives seconds since 1970.
    package init(
        issuers: TrustedIssuers, localUsers: [LocalUser] = [],
        now: @escaping @Sendable () -> Int = WallClock.seconds
    ) {
        self.issuers = issuers
        self.localUsers = localUsers
        self.now = now
    }

    package func identify(_ credential: Credential) throws(Refusal) -> IdentifiedCaller {
        switch credential {
        case .bearer(let token): try identify(token: token)
        case .localUser(let user): try identify(localUser: user)
        case .unreadable(let reason):
            throw Refusal(.identityMissing, "The access token cannot be read: \(reason).")
        case .none:
            throw Refusal(
                .identityMissing, "No access token. Send `Authorization: Bearer TOKEN`.")
        }
    }

    /// False when the proof has run out: then its credential must be presented again.
    func holds(_ caller: IdentifiedCaller) -> Bool {
        caller.established.caller.expires.map { $0 > now() } ?? true
    }

    /// A proof may be older than its call (a session on stdio, a call that waited): what it says
    /// must still hold now.
    func confirm(_ arrived: ArrivedCall) throws(Refusal) -> IdentifiedCall {
        try refuseExpired(arrived.caller.established.caller.expires)
        return IdentifiedCall(arrived)
    }

    private func identify(token: String) throws(Refusal) -> IdentifiedCaller {
        let digest = SHA256.digest(token)
        if let known = verified.withLock({ $0[digest] }) {
            try refuseExpired(known.established.caller.expires)
            return known
        }
        let caller = IdentifiedCaller(try issuers.verify(token, now: now()))
        verified.withLock { tokens in
            if tokens.count >= Self.cachedTokensMax { tokens.removeAll(keepingCapacity: true) }
            tokens[digest] = caller
        }
        return caller
    }

    private func identify(localUser user: String) throws(Refusal) -> IdentifiedCaller {
        guard
            let mapped = localUsers.first(where: { $0.user.isByteEqual(to: user) })
                ?? localUsers.first(where: { $0.user.isByteEqual(to: "*") })
        else {
            throw Refusal(
                .identityUnknownUser,
                "No token was given and the local user `\(user)` is not listed under `localUsers` in server.json. Set TOOLSERVER_TOKEN or TOOLSERVER_TOKEN_FILE, or list the user."
            )
        }
        let subject = mapped.subject.isByteEqual(to: "*") ? user : mapped.subject
        return IdentifiedCaller(
            Caller(issuer: "local-user", subject: subject, groups: mapped.groups))
    }

    private func refuseExpired(_ expires: Int?) throws(Refusal) {
        if let expires, expires <= now() { throw .expiredToken }
    }
}

extension IdentifiedCaller {
    /// Somebody who did not call: for `Gate.judge` alone, which lets nothing run.
    static func supposed(_ caller: Caller) -> IdentifiedCaller { IdentifiedCaller(caller) }
}

extension Refusal {
    package static var expiredToken: Refusal {
        Refusal(.identityExpired, "The access token has expired. Get a new one and send it.")
    }
}

extension Caller {
    /// `"caller":{…}` as every line of the record has it.
    fileprivate var recordMembers: [UInt8] {
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
        writer.endObject()
        return writer.finish()
    }
}
