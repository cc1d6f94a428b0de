/// One task that waits for its socket, its deadline or its own cancellation, whichever is first.
///
/// Sendable although it has plain variables: they are touched on `loop` only; a cancellation from
/// another thread hops there.
@safe
final class OutboundWait: @unchecked Sendable {
    enum End {
        case event
        case timedOut
        case cancelled
        case closed
    }

    private let loop: EventLoop
    private var continuation: UnsafeContinuation<End, Never>?
    private var timer: LoopTimer?

    init(_ loop: EventLoop) { self.loop = loop }

    /// Nothing has ended it yet.
    var isWaiting: Bool { unsafe continuation != nil }

    func untilFinished(deadline: MonotonicTime) async -> End {
        await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation { continuation in
                assert(loop.isCurrent)
                unsafe self.continuation = continuation
                if deadline != .never {
                    timer = loop.schedule(at: deadline) { self.finish(.timedOut) }
                }
            }
        } onCancel: {
            loop.execute { self.finish(.cancelled) }
        }
    }

    /// The first end counts.
    func finish(_ end: End) {
        guard let waiting = unsafe continuation else { return }
        unsafe continuation = nil
        if let timer { loop.cancel(timer) }
        timer = nil
        unsafe waiting.resume(returning: end)
    }
}
