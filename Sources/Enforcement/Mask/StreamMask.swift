/// Masks a text that comes in pieces. Whatever the pieces are, the answer is that for the whole
/// text; what could still become a part of a value is held back, at most one window of it.
package struct StreamMask {
    private var mask: TextMask
    private var buffer: [UInt8] = []
    /// Of the buffer's first byte.
    private var offset = 0
    private var blockStart = 0
    /// Up to here the text was given out.
    private var given = 0
    private var cover = ScanWindows.Cover()
    private var quotes: JSONQuotes?

    package init(_ masks: ValueMasks, only: Set<ValueKind>? = nil) {
        mask = TextMask(masks, wanted: masks.wanted(for: nil, only: only))
    }

    /// What can be shown by now.
    package mutating func feed(_ bytes: some Collection<UInt8>) -> [UInt8] {
        buffer.append(contentsOf: bytes)
        var shown: [UInt8] = []
        while offset + buffer.count > blockStart + ScanWindows.size {
            judge(isLast: false, into: &shown)
        }
        return shown
    }

    /// The rest.
    package mutating func finish() -> [UInt8] {
        var shown: [UInt8] = []
        while given < offset + buffer.count { judge(isLast: true, into: &shown) }
        return shown
    }

    private mutating func judge(isLast: Bool, into shown: inout [UInt8]) {
        // Lent for as long as it is read.
        var buffer: [UInt8] = []
        swap(&buffer, &self.buffer)
        defer { swap(&buffer, &self.buffer) }
        let total = offset + buffer.count
        let isFinal = isLast && blockStart + ScanWindows.size >= total
        let findings = ScanWindows.judge(
            buffer.span, offset: offset, blockStart: blockStart, isLast: isFinal, around: .nothing,
            cover: &cover, by: &mask)
        let isDone = isFinal && (cover.open == .none || blockStart + ScanWindows.block >= total)
        let end = isDone ? total : max(blockStart + ScanWindows.block, cover.coveredTo)
        var quotes = quotes ?? JSONQuotes(of: buffer.span)
        var draft = MaskDraft()
        draft.append(
            buffer.span, given - offset, min(end, total) - offset, findings: findings,
            offset: offset, quotes: &quotes, by: mask.masks)
        self.quotes = quotes
        shown += draft.bytes
        given = min(end, total)
        blockStart += ScanWindows.block
        let keep = max(0, min(blockStart, given) - ScanWindows.back - 128)
        if keep > offset {
            buffer.removeFirst(keep - offset)
            offset = keep
        }
    }
}
