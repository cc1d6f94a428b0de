import Glibc

/// Where what counts of a file ends, looked for from its end.
package enum FileTail {
    /// The offset behind the last byte for which this holds, 0 where there is none. Where it cannot
    /// be read, the file's end: then reading on meets the same error and tells it.
    package static func end(
        of descriptor: Int32, size: Int, behindLast counts: (UInt8) -> Bool
    ) -> Int {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var end = size
        while end > 0 {
            let count = min(buffer.count, end)
            guard unsafe pread(descriptor, &buffer, count, end - count) == count else {
                return size
            }
            if let last = buffer[..<count].lastIndex(where: counts) {
                return end - count + last + 1
            }
            end -= count
        }
        return 0
    }
}
