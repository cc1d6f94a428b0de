/// A text made easier to read, and where each part of it stood in the text it was made from.
///
/// What is found in it is masked in the original: the bytes that a value was written with, and
/// all that was left out between them. Most of a text is copied as it is, so its places are kept
/// by parts.
struct MappedText {
    private(set) var bytes: [UInt8] = []
    private var parts: [Part] = []

    /// `start..<end` of the source; longer or shorter than what it became, unless it was copied.
    private struct Part {
        let place: Int
        let start: Int
        let end: Int
        let isCopy: Bool
    }

    mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
        parts.removeAll(keepingCapacity: true)
    }

    mutating func copy(_ text: Span<UInt8>, _ start: Int, _ end: Int) {
        guard start < end else { return }
        parts.append(Part(place: bytes.count, start: start, end: end, isCopy: true))
        // The buffer is only lent to the copy.
        unsafe text.extracting(start..<end).withUnsafeBufferPointer {
            unsafe bytes.append(contentsOf: $0)
        }
    }

    mutating func append(_ byte: UInt8, for start: Int, _ end: Int) {
        parts.append(Part(place: bytes.count, start: start, end: end, isCopy: false))
        bytes.append(byte)
    }

    mutating func append(_ scalar: Unicode.Scalar, for start: Int, _ end: Int) {
        parts.append(Part(place: bytes.count, start: start, end: end, isCopy: false))
        bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    /// Bytes `start..<end` of this text as a range of its source.
    func source(_ start: Int, _ end: Int) -> (start: Int, end: Int) {
        guard start < end else { return (0, 0) }
        let first = part(at: start)
        let last = part(at: end - 1)
        return (
            first.isCopy ? first.start + start - first.place : first.start,
            last.isCopy ? last.start + end - last.place : last.end
        )
    }

    private func part(at index: Int) -> Part {
        var low = 0
        var high = parts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if parts[middle].place <= index { low = middle } else { high = middle }
        }
        return parts[low]
    }
}
