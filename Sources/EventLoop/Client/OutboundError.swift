/// Why a connection that we opened is of no use.
package enum OutboundError: Error, Equatable, Sendable {
    /// Nobody listens there, or no way leads there. The number is the kernel's.
    case unreachable(Int32)
    case timedOut
    /// The task that waited was cancelled.
    case cancelled
    /// The other side broke the connection, or ended it where that is no end.
    case broken
    case tls(TLSError)
    /// `close` was called on our side.
    case closed
    /// No descriptor, no memory.
    case noRoom
}
