import CLinux
import Glibc
import Synchronization

/// One loop per core. Stateless beyond its loops, which live as long as it does.
package final class EventLoopGroup: Sendable {
    package let loops: [EventLoop]
    private let nextIndex = Atomic<Int>(0)

    package init(count: Int? = nil) throws(SystemError) {
        let cores = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let count = max(1, count ?? cores)
        // A large answer is read, masked and sent on several threads. With a heap for each of
        // them, what one has freed the others cannot take, and a quarter more of the time in the
        // kernel is for new pages; with one for all, small calls wait for each other.
        clinux_limit_heaps(Int32(count))
        var loops: [EventLoop] = []
        for index in 0..<count {
            loops.append(try EventLoop(name: "loop-\(index)"))
        }
        self.loops = loops
    }

    package func start() throws(SystemError) {
        for loop in loops { try loop.start() }
    }

    package func stop() {
        for loop in loops { loop.stop() }
    }

    /// For work that comes from no connection.
    package func next() -> EventLoop {
        let index = nextIndex.wrappingAdd(1, ordering: .relaxed).oldValue
        return loops[Int(UInt(bitPattern: index) % UInt(loops.count))]
    }
}
