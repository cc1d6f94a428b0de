extension HTTPConnection {
    /// What a connection is at: one thing at a time.
    enum Phase {
        /// The TLS handshake, if there is one.
        case securing
        case reading
        /// The head is here, and the handler says whether its body is worth reading. Nothing is
        /// read meanwhile.
        case asking
        case handling
        /// The answer is complete but not yet in the kernel.
        case flushing
        /// Our side is shut; what the client still sends is thrown away, so that it is not reset
        /// before it has read the answer.
        case lingering
        case closed
    }
}
