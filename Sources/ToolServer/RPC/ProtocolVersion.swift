import JSON

/// A revision of the protocol, with the few ways in which revisions differ as named features.
struct ProtocolVersion: Sendable, Equatable {
    let text: String
    /// No handshake: every request says who it is and what it can (2026-07-28 and later).
    let isStateless: Bool
    /// Results carry `structuredContent` and tools declare `outputSchema` and `title`.
    let hasStructuredContent: Bool

    /// A client can be asked something while its call waits (`elicitation/create`, 2025-06-18 to
    /// 2025-11-25).
    var asksOnStream: Bool { hasStructuredContent && !isStateless }

    /// Whatever is listed has a `title`.
    var hasTitles: Bool { hasStructuredContent }

    static let v20250326 = ProtocolVersion(
        text: "2025-03-26", isStateless: false, hasStructuredContent: false)
    static let v20250618 = ProtocolVersion(
        text: "2025-06-18", isStateless: false, hasStructuredContent: true)
    static let v20251125 = ProtocolVersion(
        text: "2025-11-25", isStateless: false, hasStructuredContent: true)
    static let v20260728 = ProtocolVersion(
        text: "2026-07-28", isStateless: true, hasStructuredContent: true)

    static let served = [v20260728, v20251125, v20250618, v20250326]
    static let latestHandshake = v20251125
    /// What a client of the handshake era speaks that names no version (2025-11-25 transports).
    static let assumed = v20250326

    static func named(_ text: String) -> ProtocolVersion? {
        served.first { $0.text.isByteEqual(to: text) }
    }

    static func == (left: ProtocolVersion, right: ProtocolVersion) -> Bool {
        left.text.isByteEqual(to: right.text)
    }
}
