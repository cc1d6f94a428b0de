/// What has been read from one connection and not yet understood.
///
/// Grows to the longest message that its reader allows, and shrinks again when that is over.
@safe
struct PostgresInbox: ~Copyable {
    @unsafe
    enum Next {
        case frame(PostgresFrame)
        case incomplete
        /// A message longer than allowed, of this type; it stays where it is.
        case tooLong(UInt8)
        case invalid
    }

    static let capacityMin = 32 << 10
    /// Type and length.
    private static let headBytes = 5

    private var base: UnsafeMutableRawPointer
    private var capacity = capacityMin
    private var start = 0
    private var end = 0

    init() { unsafe base = .allocate(byteCount: Self.capacityMin, alignment: 16) }

    deinit { unsafe base.deallocate() }

    /// Where the next bytes are to be put; call `received` with their count.
    var space: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: base + end, count: capacity - end)
    }

    mutating func received(_ count: Int) { end += count }

    /// The next whole message. It is valid until the next call.
    @unsafe
    mutating func next(bytesMax: (_ type: UInt8) -> Int) -> Next {
        let count = end - start
        guard count >= Self.headBytes else {
            makeRoom(for: 1 << 10)
            return unsafe .incomplete
        }
        let type = unsafe base.load(fromByteOffset: start, as: UInt8.self)
        let word = unsafe base.loadUnaligned(fromByteOffset: start + 1, as: UInt32.self)
        let length = Int(UInt32(bigEndian: word))
        guard length >= 4, length < 1 << 31 else { return unsafe .invalid }
        if count < length + 1 {
            // Longer ones are decided on before they are here.
            if length > Self.capacityMin, length > bytesMax(type) { return unsafe .tooLong(type) }
            makeRoom(for: length + 1)
            return unsafe .incomplete
        }
        let body = unsafe UnsafeRawBufferPointer(
            start: base + start + Self.headBytes, count: length - 4)
        start += length + 1
        return unsafe .frame(PostgresFrame(type: type, body: body))
    }

    /// Room for a message of `count` bytes from `start` on, and some to read it in large pieces.
    private mutating func makeRoom(for count: Int) {
        if start == end {
            start = 0
            end = 0
        }
        if count > capacity {
            grow(to: count)
        } else if start > 0, capacity - start < count || capacity - end < capacity / 4 {
            unsafe base.copyMemory(from: base + start, byteCount: end - start)
            end -= start
            start = 0
        }
    }

    private mutating func grow(to count: Int) {
        let larger = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 16)
        unsafe larger.copyMemory(from: base + start, byteCount: end - start)
        unsafe base.deallocate()
        unsafe base = larger
        capacity = count
        end -= start
        start = 0
    }

    /// Gives back what one long message took.
    mutating func shrink() {
        guard capacity > Self.capacityMin, end - start <= Self.capacityMin else { return }
        grow(to: Self.capacityMin)
    }
}
