import CLinux

/// Something that sleeps until it is woken.
package protocol Wakeable: AnyObject, Sendable {
    /// Does nothing for what is awake already or has nothing to do.
    func wake()
}

/// The wakes that a thread owes to others and pays at the end of its turn.
///
/// To wake a thread costs more than most of what it is then asked to do, and the woken thread often
/// takes the processor from the one that woke it. A loop or worker that hands over twenty pieces of
/// work in one turn therefore wakes the receiver once, when it has nothing more to hand over. A
/// thread with no turns of its own wakes at once.
@safe
package final class OwedWakes {
    private var sleepers: [any Wakeable] = []
    /// Whose thread it is; nil on other threads.
    fileprivate weak var loop: EventLoop?

    /// The list of the calling thread becomes the one to which `wake` below adds. The caller keeps
    /// it alive until the thread ends.
    func adopt(for loop: EventLoop? = nil) {
        self.loop = loop
        unsafe clinux_set_thread_slot(Unmanaged.passUnretained(self).toOpaque())
    }

    /// Wakes at the end of the calling thread's turn, or now if it has none.
    package static func wake(_ sleeper: some Wakeable) {
        guard let owed = current else { return sleeper.wake() }
        if !owed.sleepers.contains(where: { $0 === sleeper }) { owed.sleepers.append(sleeper) }
    }

    /// For a thread that is about to be busy for longer than a turn should be.
    package static func payNow() { current?.pay() }

    func pay() {
        guard !sleepers.isEmpty else { return }
        for sleeper in sleepers { sleeper.wake() }
        sleepers.removeAll(keepingCapacity: true)
    }

    fileprivate static var current: OwedWakes? {
        guard let slot = unsafe clinux_thread_slot() else { return nil }
        return unsafe Unmanaged<OwedWakes>.fromOpaque(slot).takeUnretainedValue()
    }
}

extension EventLoop {
    /// The loop on whose thread this is called, if it is one's.
    package static var current: EventLoop? { OwedWakes.current?.loop }
}
