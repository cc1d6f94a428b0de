/// A text with its findings replaced, and where each part of it came from.
struct MaskDraft {
    private(set) var bytes: [UInt8] = []
    private var pieces: [Piece] = []

    /// A part that was copied, or one that stands for a finding.
    private struct Piece {
        let start: Int
        let source: Range<Int>
        let isCopy: Bool
    }

    mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
        pieces.removeAll(keepingCapacity: true)
    }

    /// Appends bytes `start..<end` of `text`, which begins at `offset` of what the findings are in.
    /// A number that stands bare in JSON gets quotes: the text around it must stay JSON.
    mutating func append(
        _ text: Span<UInt8>, _ start: Int, _ end: Int, findings: [Finding], offset: Int,
        quotes: inout JSONQuotes, by masks: ValueMasks
    ) {
        var copied = start
        for finding in findings {
            let (from, to) = (finding.start - offset, finding.end - offset)
            copy(text, copied, from)
            quotes.pass(text, copied, from)
            let isBare = quotes.areOpenForNumbers && text.isBareNumber(from, to)
            pieces.append(Piece(start: bytes.count, source: from..<to, isCopy: false))
            if isBare { bytes.append(UInt8(ascii: "\"")) }
            masks.append(replacementOf: text.extracting(from..<to), finding.what, to: &bytes)
            if isBare { bytes.append(UInt8(ascii: "\"")) }
            quotes.pass(text, from, to)
            copied = to
        }
        copy(text, copied, end)
        quotes.pass(text, copied, end)
    }

    private mutating func copy(_ text: Span<UInt8>, _ start: Int, _ end: Int) {
        guard start < end else { return }
        pieces.append(Piece(start: bytes.count, source: start..<end, isCopy: true))
        // The buffer is only lent to the copy.
        unsafe text.extracting(start..<end).withUnsafeBufferPointer {
            unsafe bytes.append(contentsOf: $0)
        }
    }

    /// A range of the draft as a range of what it was made from; nil inside one replacement.
    func source(of start: Int, _ end: Int) -> Range<Int>? {
        let first = piece(at: start)
        let last = piece(at: end - 1)
        if first == last, !pieces[first].isCopy { return nil }
        let lower = pieces[first]
        let upper = pieces[last]
        let (from, to) = (lower.source.lowerBound, upper.source.upperBound)
        let newStart = lower.isCopy ? from + start - lower.start : from
        let newEnd = upper.isCopy ? upper.source.lowerBound + end - upper.start : to
        return newStart..<newEnd
    }

    private func piece(at index: Int) -> Int {
        var low = 0
        var high = pieces.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if pieces[middle].start <= index { low = middle } else { high = middle }
        }
        return low
    }
}

/// Whether a place in a JSON text is inside a string, followed from its beginning.
struct JSONQuotes {
    private let isJSON: Bool
    private var isInside = false
    private var isEscaped = false

    init(of text: Span<UInt8>) {
        isJSON = text.beginsJSON
    }

    var areOpenForNumbers: Bool { isJSON && !isInside }

    mutating func pass(_ text: Span<UInt8>, _ start: Int, _ end: Int) {
        guard isJSON else { return }
        for index in start..<end {
            if isEscaped {
                isEscaped = false
            } else if text[index] == UInt8(ascii: "\"") {
                isInside.toggle()
            } else if isInside, text[index] == UInt8(ascii: "\\") {
                isEscaped = true
            }
        }
    }
}

extension Span<UInt8> {
    var beginsJSON: Bool {
        let first = at(end(of: 0) { $0.isSpace })
        return first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    }

    /// A number as JSON has it, between a sign that begins a value and one that ends it.
    fileprivate func isBareNumber(_ start: Int, _ end: Int) -> Bool {
        for index in start..<end where !self[index].isDigit { return false }
        let before = at(self.start(of: start, atMost: 64) { $0.isSpace } - 1)
        let after = at(self.end(of: end, atMost: 64) { $0.isSpace })
        return
            (before == UInt8(ascii: ":") || before == UInt8(ascii: ",")
            || before == UInt8(ascii: "["))
            && (after == UInt8(ascii: ",") || after == UInt8(ascii: "}")
                || after == UInt8(ascii: "]"))
    }
}
