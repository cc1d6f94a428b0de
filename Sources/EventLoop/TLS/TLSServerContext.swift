import Synchronization

/// What our own side presents, and whose certificates it asks of clients.
package final class TLSServerContext: Sendable {
    /// Whether clients present certificates. What they present must hold in either case.
    package enum ClientCertificates: Sendable {
        case none
        case optional(authorities: [UInt8])
        case required(authorities: [UInt8])
    }

    /// Sessions that clients may resume. OpenSSL keeps about 2 KB for each.
    private static let sessionsMax = 1_024

    let context: TLSContext

    package init(
        _ identity: TLSIdentity, clientCertificates: ClientCertificates = .none
    ) throws(TLSError) {
        context = try TLSContext(isServer: true)
        try context.present(identity)
        context.serveHTTP()
        switch clientCertificates {
        case .none: context.keepSessions(isServer: true, atMost: Self.sessionsMax)
        case .optional(let authorities): try ask(authorities, isDemanded: false)
        case .required(let authorities): try ask(authorities, isDemanded: true)
        }
    }

    /// A resumed session would not be verified again, so there is none: a certificate is looked at
    /// on every connection.
    private func ask(_ authorities: [UInt8], isDemanded: Bool) throws(TLSError) {
        try context.trust(authorities, announcing: true)
        context.verifyPeer(isDemanded)
        context.keepSessions(isServer: true, atMost: 0)
    }
}

/// The context of this moment. Connections that are open keep theirs.
package final class CurrentTLS: Sendable {
    private let held: Mutex<TLSServerContext>

    package init(_ context: TLSServerContext) { held = Mutex(context) }

    var value: TLSServerContext { held.withLock { $0 } }

    package func replace(with context: TLSServerContext) { held.withLock { $0 = context } }
}
