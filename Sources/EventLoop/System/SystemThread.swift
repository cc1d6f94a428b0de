import CLinux
import Glibc
import Synchronization

/// A thread that we own, in contrast to those of Swift's pool: it may block, and it has a name.
package struct SystemThread: Sendable {
    private let handle: pthread_t

    /// Starts `body` on a new thread. Names are cut to the kernel's fifteen bytes.
    package static func spawn(
        name: String, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) -> SystemThread {
        let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        var handle = pthread_t()
        let code = unsafe pthread_create(
            &handle, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                unsafe _ = start.name.withCString { unsafe clinux_name_this_thread($0) }
                start.body()
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            unsafe start.release()
            throw SystemError(call: "pthread_create", code: code)
        }
        return SystemThread(handle: handle)
    }

    /// Who waits ends no turn: what it owes may be the very wake for which that thread sleeps.
    package func join() {
        OwedWakes.payNow()
        pthread_join(handle, nil)
    }

    /// A number that is this thread's alone while it lives.
    @inline(__always)
    static var currentID: UInt {
        UInt(pthread_self())
    }

    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = String(decoding: name.utf8.prefix(15), as: UTF8.self)
            self.body = body
        }
    }
}
