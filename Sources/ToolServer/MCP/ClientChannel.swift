import EventLoop

/// The way to the client of a request under way, beside its answer: for progress, for what it
/// subscribed to and, in the handshake era, for questions to it.
protocol ClientChannel: AnyObject, Sendable {
    var loop: EventLoop { get }

    /// Shows the client that its request is under way, where its transport has a way to.
    func open()

    /// Says something that belongs to the request, before its answer. False once nobody can hear
    /// it. On the loop of the request.
    func send(_ message: [UInt8]) async -> Bool

    /// The same for what the next report makes worthless.
    func report(_ message: [UInt8]) async -> Bool
}

extension ClientChannel {
    func open() {}
    func report(_ message: [UInt8]) async -> Bool { await send(message) }
}
