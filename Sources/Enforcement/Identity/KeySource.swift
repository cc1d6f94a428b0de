/// Where the keys of an issuer come from.
package protocol KeySource: Sendable {
    /// The keys of this moment. Asks the issuer where one of this id may be new.
    func keys(for id: String) async throws(Refusal) -> IssuerKeys

    /// Goes up when a key was taken back: what was verified before must be verified again.
    var generation: Int { get }

    /// Whoever remembers verified tokens says when one is used, or keys would never be asked for.
    func touch()
}

/// Keys that are what they are until the manifests are loaded again.
extension IssuerKeys: KeySource {
    package func keys(for id: String) async throws(Refusal) -> IssuerKeys { self }
    package var generation: Int { 0 }
    package func touch() {}
}
