/// Long texts and streams are scanned in windows at fixed places of the text, so that the answer
/// does not depend on the pieces in which it came.
///
/// A block is judged with what stands up to `back` bytes before it and `ahead` bytes behind: all
/// that a detector looks at. Only two things are longer: a private key, which is covered to its
/// end or to the end of the text, and a run that goes on where the window ends.
enum ScanWindows {
    static let block = 64 << 10
    static let back = 1 << 10
    static let ahead = 8 << 10
    static let size = block + ahead

    /// What one block has, as offsets of the whole text.
    struct Cover {
        enum Open {
            case none
            /// A private key without its end.
            case key
            /// A run of letters of base64 that was cut.
            case run
        }
        var open = Open.none
        /// Up to here everything is covered already.
        var coveredTo = 0
        /// What the next block begins in the middle of.
        var table: Table?
    }

    /// Judges the block that begins at `start`. `text` begins at `offset` of the whole and holds at
    /// least the window of the block, or all there is.
    static func judge(
        _ text: Span<UInt8>, offset: Int, blockStart: Int, isLast: Bool, around: Meaning,
        cover: inout Cover, by mask: inout TextMask
    ) -> [Finding] {
        let from = max(offset, blockStart - back)
        let blockEnd = blockStart + block
        let to = min(offset + text.count, blockEnd + ahead)
        let isEnd = isLast && to == offset + text.count
        let reach = isEnd ? to : blockEnd
        var findings: [Finding] = []
        goOn(text, offset, from: blockStart, to: to, reach: reach, cover: &cover, into: &findings)
        if cover.open != .none { return findings }
        let window = text.extracting(aligned(text, from - offset)..<(to - offset))
        let base = aligned(text, from - offset) + offset
        let inWindow = mask.scanWindow(
            window, around: around, isFirst: blockStart == 0, blockEnd: blockEnd - base,
            table: &cover.table)
        for var finding in inWindow {
            finding.start += base
            finding.end += base
            guard finding.start < reach, finding.end > cover.coveredTo else { continue }
            // What began in an earlier block was found there.
            if finding.start < blockStart, blockStart > 0 { continue }
            finding.start = max(finding.start, cover.coveredTo)
            if finding.end == to, !isEnd {
                cover.open = finding.what == .kind(.privateKey) ? .key : .run
            }
            findings.append(finding)
            cover.coveredTo = max(cover.coveredTo, finding.end)
        }
        return findings
    }

    /// Covers what goes on from the block before.
    private static func goOn(
        _ text: Span<UInt8>, _ offset: Int, from blockStart: Int, to: Int, reach: Int,
        cover: inout Cover, into findings: inout [Finding]
    ) {
        let start = max(cover.coveredTo, blockStart)
        var end = to
        let local = start - offset
        guard local < text.count else { return }
        switch cover.open {
        case .none: return
        case .key:
            let part = text.extracting(max(0, local - 64)..<(to - offset))
            if let close = Secrets.pemEnd(part, from: 0) {
                end = max(start, close + max(0, local - 64) + offset)
                if end < to { cover.open = .none }
            }
        case .run:
            end =
                text.end(of: local, atMost: to - start) { $0.isBase64 || $0 == UInt8(ascii: "=") }
                + offset
            if end < to { cover.open = .none }
        }
        if end > start {
            findings.append(Finding(cover.open == .key ? .privateKey : .apiKey, start, end))
        }
        cover.coveredTo = end
    }

    /// Not in the middle of a character.
    private static func aligned(_ text: Span<UInt8>, _ index: Int) -> Int {
        text.end(of: max(0, index), atMost: 3) { $0 & 0xC0 == 0x80 }
    }

    static func findings(
        _ text: Span<UInt8>, around: Meaning, by mask: inout TextMask
    ) -> [Finding] {
        var cover = Cover()
        var all: [Finding] = []
        var start = 0
        while start < text.count {
            let isLast = start + size >= text.count
            all += judge(
                text, offset: 0, blockStart: start, isLast: isLast, around: around, cover: &cover,
                by: &mask)
            if isLast, cover.open == .none || start + block >= text.count { break }
            start += block
        }
        return all
    }

    static func masked(
        _ text: Span<UInt8>, around: Meaning, by mask: inout TextMask
    ) -> [UInt8]? {
        let all = findings(text, around: around, by: &mask)
        return all.isEmpty ? nil : mask.written(text, all)
    }
}
