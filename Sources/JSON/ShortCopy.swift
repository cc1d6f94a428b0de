/// Copies pieces of a few bytes, where the call of `memcpy` costs more than the copy.
enum ShortCopy {
    /// Both ends of a short piece are copied as one word each; they may overlap.
    @inline(__always)
    static func copy(
        _ from: UnsafeRawPointer, to: UnsafeMutableRawPointer, _ count: Int
    ) {
        switch count {
        case 17...: unsafe to.copyMemory(from: from, byteCount: count)
        case 8...16: unsafe ends(UInt64.self, from, to, count)
        case 4...7: unsafe ends(UInt32.self, from, to, count)
        case 2...3: unsafe ends(UInt16.self, from, to, count)
        case 1: unsafe to.storeBytes(of: from.load(as: UInt8.self), as: UInt8.self)
        default: break
        }
    }

    @inline(__always)
    private static func ends<Word: FixedWidthInteger & BitwiseCopyable>(
        _ word: Word.Type, _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, _ count: Int
    ) {
        let last = count &- MemoryLayout<Word>.size
        let head = unsafe from.loadUnaligned(as: word)
        let tail = unsafe from.loadUnaligned(fromByteOffset: last, as: word)
        unsafe to.storeBytes(of: head, as: word)
        unsafe to.storeBytes(of: tail, toByteOffset: last, as: word)
    }
}
