import COpenSSL
import Synchronization

/// Whom we believe when we connect, and what we present. Make one for each set of settings and use
/// it for every connection: it holds the sessions that make the next handshake cheap.
package final class TLSClientContext: Sendable {
    package enum Trust: Sendable {
        case system
        /// The system's authorities and those of this PEM text.
        case systemAnd(authorities: [UInt8])
        case only(authorities: [UInt8])
    }

    let context: TLSContext
    let sessions = TLSClientSessions()

    /// `application` is the protocol inside (RFC 7301); nil offers none.
    package init(
        trust: Trust = .system, identity: TLSIdentity? = nil, application: String? = "http/1.1"
    ) throws(TLSError) {
        context = try TLSContext(isServer: false)
        switch trust {
        case .system: try context.trustSystem()
        case .systemAnd(let authorities):
            try context.trustSystem()
            try context.trust(authorities, announcing: false)
        case .only(let authorities): try context.trust(authorities, announcing: false)
        }
        if let identity { try context.present(identity) }
        if let application { try context.offer(application) }
        context.verifyPeer(true)
        context.keepSessions(isServer: false, atMost: TLSClientSessions.countMax)
    }
}

/// The last session of each server. Each is used once (RFC 8446 appendix C.4).
@safe final class TLSClientSessions: Sendable {
    static let countMax = 256

    private let held = Mutex<[Server: TLSResumption]>([:])

    /// A session is believed for the name that was verified, and for no other.
    struct Server: Hashable {
        let name: [UInt8]
        let port: UInt16
    }

    func take(_ server: Server) -> TLSResumption? {
        held.withLock { $0.removeValue(forKey: server) }
    }

    func keep(_ session: TLSResumption, for server: Server) {
        held.withLock { held in
            if held.count >= Self.countMax { held.removeAll() }
            held[server] = session
        }
    }
}

/// Owns one SSL_SESSION. Sendable: it is not changed after its handshake.
@safe final class TLSResumption: @unchecked Sendable {
    private let pointer: OpaquePointer

    /// Nil when the server gave nothing that could be resumed.
    init?(of session: OpaquePointer) {
        guard let held = unsafe SSL_get1_session(session) else { return nil }
        guard unsafe SSL_SESSION_is_resumable(held) == 1 else {
            unsafe SSL_SESSION_free(held)
            return nil
        }
        unsafe pointer = held
    }

    deinit { unsafe SSL_SESSION_free(pointer) }

    func offer(in session: OpaquePointer) { unsafe _ = SSL_set_session(session, pointer) }
}
