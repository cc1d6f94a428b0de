package import Enforcement

extension StateDatabase: RevocationStore {
    package var revocationMark: UInt64 { mark.value }

    package func revocations() async throws(StateError) -> [Revocation] {
        try await run { (session) throws(SQLiteFailure) in try session.revocations() }
    }

    package func revoke(_ revocation: Revocation) async throws(StateError) {
        // Whoever looks between the two looks again after the second.
        mark.advance()
        defer { mark.advance() }
        try await run { (session) throws(SQLiteFailure) in try session.revoke(revocation) }
    }
}
