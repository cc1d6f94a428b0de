extension ApprovalDesk {
    private static let lookedAtMax = 500

    /// What became of the latest requests for the same tool, as far as this person could have
    /// decided about them: those that are over are kept for a day.
    package func earlier(
        than request: ApprovalRequest, for person: Caller, most: Int = 5
    ) async throws(ApprovalObjection) -> [ApprovalRequest] {
        let latest = try await list(nil, most: Self.lookedAtMax)
        let alike = latest.filter { other in
            other.id != request.id && other.tool == request.tool && other.phase != .pending
                && other.concerns(person)
        }
        return Array(alike.prefix(most))
    }
}
