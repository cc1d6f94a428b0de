/// Proof that a caller's credential was verified.
package struct IdentifiedCaller: Sendable {
    package let caller: Caller
    fileprivate init(_ caller: Caller) { self.caller = caller }
}
