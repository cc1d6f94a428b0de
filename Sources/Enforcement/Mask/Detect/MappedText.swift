/// A text made easier to read, and where each of its bytes stood in the text it was made from.
///
/// What is found in it is masked in the original: the bytes that a value was written with, and
/// all that was left out between them.
struct MappedText {
    private(set) var bytes: [UInt8] = []
    private var starts: [Int32] = []
    private var ends: [Int32] = []

    mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
        starts.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    mutating func append(_ byte: UInt8, from start: Int, to end: Int) {
        bytes.append(byte)
        starts.append(Int32(truncatingIfNeeded: start))
        ends.append(Int32(truncatingIfNeeded: end))
    }

    mutating func append(_ scalar: Unicode.Scalar, from start: Int, to end: Int) {
        for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
            append(byte, from: start, to: end)
        }
    }

    /// Bytes `start..<end` of this text as a range of the original.
    func original(_ start: Int, _ end: Int) -> (start: Int, end: Int) {
        guard start < end, end <= ends.count else { return (0, 0) }
        return (Int(starts[start]), Int(ends[end - 1]))
    }

    /// Where a byte stood, for a text that is made from this one.
    func start(_ index: Int) -> Int { Int(starts[index]) }
    func end(_ index: Int) -> Int { Int(ends[index]) }
}

extension MappedText {
    /// The map of a text that was made from a text that was made from the original.
    mutating func follow(_ other: MappedText) {
        for index in starts.indices {
            let start = Int(starts[index])
            let end = Int(ends[index])
            starts[index] = Int32(truncatingIfNeeded: other.start(start))
            ends[index] = Int32(truncatingIfNeeded: other.end(end - 1))
        }
    }
}
