package import JSON
import Synchronization

/// What ends tokens before their time: one of them by its id, or all that were issued to a subject
/// or a client until a moment. It ends certificates too: one by its thumbprint, with the tokens
/// that are bound to it, or by the serial number that its issuer gave it.
package struct Revocation: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case token, subject, client, certificate, serial
    }

    package var kind: Kind
    /// nil: of any issuer.
    package var issuer: Name?
    package var value: Name
    /// Seconds since 1970. What was issued to a subject or client later is good.
    package var at: Int
    /// When nothing that it is about can be good any more.
    package var expires: Int

    package init(kind: Kind, issuer: Name?, value: Name, at: Int, expires: Int) {
        self.kind = kind
        self.issuer = issuer
        self.value = value
        self.at = at
        self.expires = expires
    }
}

package protocol RevocationStore: Sendable {
    /// Another one after each change, by whichever process; read without waiting.
    var revocationMark: UInt64 { get }
    func revocations() async throws(StateError) -> [Revocation]
    /// In force for all processes when this returns.
    func revoke(_ revocation: Revocation) async throws(StateError)
}

/// The revocations in force, as this process knows them; asked anew before anybody is believed
/// when some process has changed them.
package final class Revocations: Sendable {
    private struct Key: Hashable {
        let kind: Revocation.Kind
        let value: Name
    }

    private struct Known {
        var mark: UInt64?
        var all: [Key: [Revocation]] = [:]
    }

    private let store: any RevocationStore
    private let known = Mutex(Known())

    package init(_ store: any RevocationStore) { self.store = store }

    /// nil: that must be asked of the store first.
    func isRevoked(_ caller: Caller) -> Bool? {
        let mark = store.revocationMark
        return known.withLock { known in
            guard known.mark == mark else { return nil }
            return known.all.isEmpty ? false : Self.ends(caller, known.all)
        }
    }

    /// Apart from who calls it: what waits has a large frame, and most calls need none.
    @inline(never)
    func refuse(_ caller: Caller) async throws(Refusal) {
        // Someone may revoke while the store is read; then it is read once more.
        for _ in 0..<5 {
            if let isRevoked = isRevoked(caller) {
                guard isRevoked else { return }
                throw caller.certificate == nil
                    ? .invalidToken("revoked") : .unknownCertificate("revoked")
            }
            try await load()
        }
        throw .revocationsUnknown("they change faster than they can be read")
    }

    private func load() async throws(Refusal) {
        let mark = store.revocationMark
        let listed: [Revocation]
        do throws(StateError) { listed = try await store.revocations() } catch {
            throw .revocationsUnknown(error.detail)
        }
        let all = Dictionary(grouping: listed) { Key(kind: $0.kind, value: $0.value) }
        known.withLock { $0 = Known(mark: mark, all: all) }
    }

    private static func ends(_ caller: Caller, _ all: [Key: [Revocation]]) -> Bool {
        func holds(_ kind: Revocation.Kind, _ value: String?) -> Bool {
            guard let value else { return false }
            return all[Key(kind: kind, value: Name(value))]?.contains { revocation in
                guard revocation.issuer?.text.isByteEqual(to: caller.issuer) ?? true else {
                    return false
                }
                guard kind == .subject || kind == .client else { return true }
                // A token that does not say when it was issued may be an old one.
                return caller.issued.map { $0 <= revocation.at } ?? true
            } ?? false
        }
        let shown = caller.certificate?.thumbprint ?? caller.binding?.certificateThumbprint
        return holds(.token, caller.tokenID) || holds(.subject, caller.subject)
            || holds(.subject, caller.onBehalfOf) || holds(.client, caller.clientID)
            || holds(.certificate, shown?.hex) || holds(.serial, caller.certificate?.serial.text)
    }
}

extension Refusal {
    fileprivate static func revocationsUnknown(_ detail: String) -> Refusal {
        Refusal(
            .stateUnavailable,
            "Whether your access token was revoked cannot be read at the moment, so it is not accepted. Try again in a minute, then tell the operator.",
            noted: "state: \(detail)", retryAfterSeconds: 5)
    }
}
