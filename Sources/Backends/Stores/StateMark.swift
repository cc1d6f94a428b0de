internal import Enforcement
internal import Glibc
internal import Synchronization

/// A number that all processes of an installation see change at once: eight bytes of a file that
/// each of them has mapped. To look costs a load from memory.
///
/// `@unchecked Sendable`: the memory is only touched as an atomic, and is unmapped at the end.
@safe final class StateMark: @unchecked Sendable {
    private let memory: UnsafeMutableRawPointer
    private static let byteCount = 8

    init(file: String) throws(StateError) {
        let descriptor = unsafe open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw StateFile.failure("open \(file)") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_mode & 0o077 == 0
        else {
            throw StateError(
                .unavailable,
                detail: "\(file) can be read or changed by others; run `chmod 600` on it")
        }
        // Longer is never made shorter: others have it mapped.
        if status.st_size < Self.byteCount, ftruncate(descriptor, off_t(Self.byteCount)) != 0 {
            throw StateFile.failure("make room in \(file)")
        }
        let mapped = unsafe mmap(
            nil, Self.byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else {
            throw StateFile.failure("map \(file)")
        }
        unsafe memory = mapped
    }

    deinit { unsafe munmap(memory, Self.byteCount) }

    var value: UInt64 { unsafe number.pointee.load(ordering: .acquiring) }

    func advance() { unsafe number.pointee.add(1, ordering: .acquiringAndReleasing) }

    private var number: UnsafeMutablePointer<Atomic<UInt64>> {
        unsafe memory.assumingMemoryBound(to: Atomic<UInt64>.self)
    }
}
