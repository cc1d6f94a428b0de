import CLinux
import Glibc

// epoll, and who is told about which descriptor. It never tells the owner of a descriptor about
// an event that was meant for an earlier owner of the same number.

/// Something that owns a registered descriptor.
package protocol EventSource: AnyObject {
    /// Runs on the loop.
    func ready(_ events: ReadyEvents)
}

package struct ReadyEvents: OptionSet, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package static let readable = ReadyEvents(rawValue: EPOLLIN.rawValue)
    package static let writable = ReadyEvents(rawValue: EPOLLOUT.rawValue)
    package static let peerClosed = ReadyEvents(rawValue: EPOLLRDHUP.rawValue)
    package static let failed = ReadyEvents(rawValue: EPOLLERR.rawValue | EPOLLHUP.rawValue)
    package static let edgeTriggered = ReadyEvents(rawValue: EPOLLET.rawValue)
}

/// Belongs to one loop.
@safe
struct Poller: ~Copyable {
    private static let batch = 256

    private let epoll: Descriptor
    private var slots: [Slot] = []
    private var lastGeneration: UInt32 = 0
    private let buffer: UnsafeMutablePointer<epoll_event>

    private struct Slot {
        var generation: UInt32
        var source: (any EventSource)?
    }

    init() throws(SystemError) {
        epoll = Descriptor(
            owning: try Syscall.setup("epoll_create1") {
                epoll_create1(Int32(EPOLL_CLOEXEC))
            })
        unsafe buffer = .allocate(capacity: Self.batch)
    }

    deinit {
        unsafe buffer.deallocate()
    }

    mutating func add(
        _ descriptor: Int32, _ events: ReadyEvents, _ source: any EventSource
    ) throws(SystemError) {
        let index = Int(descriptor)
        while slots.count <= index { slots.append(Slot(generation: 0, source: nil)) }
        lastGeneration &+= 1
        slots[index] = Slot(generation: lastGeneration, source: source)
        var event = unsafe epoll_event()
        unsafe event.events = events.rawValue
        unsafe event.data.u64 = Self.tag(descriptor, lastGeneration)
        let number = epoll.number
        do {
            try Syscall.setup("epoll_ctl") {
                unsafe epoll_ctl(number, EPOLL_CTL_ADD, descriptor, &event)
            }
        } catch {
            slots[index].source = nil
            throw error
        }
    }

    /// Call before the descriptor is closed.
    mutating func remove(_ descriptor: Int32) {
        slots[Int(descriptor)].source = nil
        var unused = unsafe epoll_event()
        unsafe _ = epoll_ctl(epoll.number, EPOLL_CTL_DEL, descriptor, &unused)
    }

    /// Waits and returns how many events there are; `event(at:)` reads them one by one, since
    /// handling one may remove the source of the next.
    mutating func wait(milliseconds: Int32) -> Int {
        let count = unsafe epoll_wait(epoll.number, buffer, Int32(Self.batch), milliseconds)
        if count >= 0 { return Int(count) }
        precondition(errno == EINTR, "epoll_wait on a descriptor that is not ours")
        return 0
    }

    /// Nil when the event's registration is over: the number may have a new owner by now.
    func event(at index: Int) -> (source: any EventSource, events: ReadyEvents)? {
        let tag = unsafe buffer[index].data.u64
        let slot = Int(truncatingIfNeeded: tag & 0xffff_ffff)
        guard slot < slots.count, slots[slot].generation == UInt32(tag >> 32),
            let source = slots[slot].source
        else { return nil }
        return (source, ReadyEvents(rawValue: unsafe buffer[index].events))
    }

    private static func tag(_ descriptor: Int32, _ generation: UInt32) -> UInt64 {
        UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor))
    }
}
