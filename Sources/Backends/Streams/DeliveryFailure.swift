package import EventLoop
package import Enforcement

/// Why a batch of lines did not arrive, or may not have.
package struct DeliveryFailure: Error, Sendable, Equatable {
    /// For the operator; nothing that the other side said.
    package let reason: String
    /// What the other side asked for.
    package var retryAfter: Duration?
    /// Smaller batches may pass.
    package var isTooLarge = false

    package init(reason: String) { self.reason = reason }
}

/// Where the lines go, and whom we believe to be there.
package struct DeliveryPlace: Sendable {
    package let url: HTTPURL
    /// Networks that are not public and yet meant.
    package let networks: [NetworkRange]
    /// nil: in clear.
    package let security: TLSClientContext?

    package init(url: HTTPURL, networks: [NetworkRange], security: TLSClientContext?) {
        self.url = url
        self.networks = networks
        self.security = security
    }

    var origin: HTTPClient.Origin {
        HTTPClient.Origin(isSecure: url.isSecure, host: url.host, port: url.port)
    }

    func addresses(by names: any NameLookup) -> VettedAddresses {
        VettedAddresses(
            egress: EgressRules(
                hosts: [.exact(url.host)], isPlainAllowed: !url.isSecure, ports: [url.port],
                networks: networks),
            names: names, patience: .seconds(5))
    }
}
