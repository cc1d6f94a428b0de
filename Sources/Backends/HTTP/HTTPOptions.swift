package import Enforcement
package import EventLoop
package import JSON

package struct HTTPOptions: Sendable {
    /// What tools with a `path` are below.
    package struct Base: Sendable {
        package var isSecure: Bool
        package var host: HostTemplate
        package var port: UInt16
        /// Segments, not yet encoded.
        package var path: [String]

        package init(isSecure: Bool, host: HostTemplate, port: UInt16, path: [String]) {
            self.isSecure = isSecure
            self.host = host
            self.port = port
            self.path = path
        }
    }

    package var name: Name
    package var base: Base?
    package var egress: EgressRules
    package var credential: HTTPCredential
    package var limits: HTTPClient.Limits

    package init(
        name: Name, base: Base?, egress: EgressRules, credential: HTTPCredential = .nobody,
        limits: HTTPClient.Limits = HTTPClient.Limits()
    ) {
        self.name = name
        self.base = base
        self.egress = egress
        self.credential = credential
        self.limits = limits
    }
}

/// A secret as it is now, wherever it is kept.
package typealias SecretReader = @Sendable () async throws(BackendError) -> String

/// As whom requests are sent. Never the caller's own token.
package enum HTTPCredential: Sendable {
    case nobody
    case bearer(SecretReader)
    case basic(user: String, SecretReader)
    case header(name: String, SecretReader)
    case oauth(OAuthTokens)
    case signature(RequestSignature)
}
