internal import Enforcement
internal import EventLoop
internal import Glibc

/// Tells every process of an installation that the store has changed: a file that is written to
/// after each change, and watched.
///
/// The store's own files cannot serve: they are written before a change can be seen. A bell that
/// is not rung, because its process was killed between the change and the ring, is made up for by
/// those who wait: they look again after some seconds.
final class StateBell: Sendable {
    private let file: Descriptor
    /// Readable after a ring.
    private let watch: Descriptor
    /// False where the system has no watches left.
    private let isWatched: Bool

    init(file path: String) throws(StateError) {
        let number = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard number >= 0 else { throw StateFile.failure("open \(path)") }
        file = Descriptor(owning: number)
        watch = Descriptor(owning: inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC)))
        isWatched = unsafe inotify_add_watch(watch.number, path, UInt32(IN_MODIFY)) >= 0
    }

    var watched: Int32? { isWatched ? watch.number : nil }

    func ring() {
        var byte = UInt8(ascii: "\n")
        unsafe _ = pwrite(file.number, &byte, 1, 0)
    }

    /// Takes the rings that have been heard.
    func hear() {
        guard isWatched else { return }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while unsafe read(watch.number, &buffer, buffer.count) > 0 {}
    }
}
