import Glibc

/// The one owner of an open file descriptor. Not copyable, so that nothing is closed twice.
package struct Descriptor: ~Copyable, Sendable {
    package let number: Int32

    package init(owning number: Int32) {
        self.number = number
    }

    /// close() is never retried: on Linux the number is free again even after EINTR, and a second
    /// close could hit a descriptor that another thread has just been given.
    deinit {
        close(number)
    }
}
