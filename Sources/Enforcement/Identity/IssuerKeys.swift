package import JSON

/// The keys that an issuer publishes (RFC 7517 section 5).
///
/// A key that cannot be used is passed over and does not spoil the others: issuers publish keys for
/// encryption, and of kinds that we do not know, beside the ones that matter here.
package struct IssuerKeys: Sendable {
    /// More than any issuer has; what is beyond is not read.
    private static let keysMax = 100

    private let byID: [Name: [VerificationKey]]
    package let count: Int
    let thumbprints: Set<Digest32>

    package init(_ keys: [VerificationKey]) {
        count = keys.count
        thumbprints = Set(keys.map(\.thumbprint))
        byID = Dictionary(grouping: keys.filter { $0.id != nil }) { $0.id ?? "" }
    }

    /// nil for what is no key set at all.
    package init?(_ document: JSONValue) {
        guard let listed = document["keys"]?.array else { return nil }
        self.init(
            listed.prefix(Self.keysMax).compactMap { key in
                key.object.flatMap { try? VerificationKey(jwk: $0) }
            })
    }

    /// By `kid` and by what the key may verify: without a `kid` a token would choose its key.
    func keys(_ id: String, for algorithm: SignatureAlgorithm) -> [VerificationKey] {
        (byID[Name(id)] ?? []).filter { $0.mayVerify(algorithm) }
    }

    package func isContained(in other: IssuerKeys) -> Bool {
        thumbprints.isSubset(of: other.thumbprints)
    }

    package func knows(_ id: String) -> Bool { byID[Name(id)] != nil }
}
