/// Masks values in texts, one after another, for one call.
struct TextMask {
    private var scanner: ValueScanner
    let masks: ValueMasks
    private let isIdle: Bool
    /// Kept for its buffers.
    private var draft = MaskDraft()
    private var settled: [Finding] = []

    init(_ masks: ValueMasks, wanted: WantedValues) {
        self.masks = masks
        isIdle = wanted.isEmpty
        scanner = ValueScanner(wanted: wanted, detectors: masks.detectors)
    }

    /// Nil where there is nothing to mask, which is what most texts are.
    mutating func masked(_ text: Span<UInt8>, around: Meaning = .nothing) -> [UInt8]? {
        guard !isIdle, !Pseudonym.isToken(text) else { return nil }
        guard text.count <= ScanWindows.size else {
            let findings = ScanWindows.findings(text, around: around, by: &self)
            return findings.isEmpty ? nil : written(text, findings)
        }
        scanner.begin()
        scanner.scan(text, around: around)
        guard !scanner.findings.isEmpty else { return nil }
        settle(text, around: around)
        return draft.bytes
    }

    mutating func masked(_ text: String) -> String {
        masked(text.utf8.span).map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    /// The first characters of what a text is when it is masked. Half of a value is not known for
    /// what it is, so the cut comes last; of a long text only what a detector looks at is read.
    mutating func maskedStart(of text: String, most: Int) -> String {
        let all = text.utf8.span
        guard all.count > Self.startBytes + ScanWindows.ahead else {
            return String(masked(text).unicodeScalars.prefix(most))
        }
        let head = all.extracting(0..<(Self.startBytes + ScanWindows.ahead))
        let findings = find(head).filter { $0.start < Self.startBytes }
        // Not in the middle of a character, nor of a value.
        let end = max(
            head.start(of: Self.startBytes, atMost: 3) { $0 & 0xC0 == 0x80 } - 1,
            findings.last?.end ?? 0)
        var draft = MaskDraft()
        var quotes = JSONQuotes(of: head)
        draft.append(head, 0, end, findings: findings, offset: 0, quotes: &quotes, by: masks)
        return String(
            String(decoding: draft.bytes, as: UTF8.self).unicodeScalars.prefix(most))
    }

    private static let startBytes = 8 << 10

    mutating func find(_ text: Span<UInt8>, around: Meaning = .nothing) -> [Finding] {
        guard !isIdle, !Pseudonym.isToken(text) else { return [] }
        if text.count > ScanWindows.size {
            return ScanWindows.findings(text, around: around, by: &self)
        }
        scanner.begin()
        return scan(text, around: around)
    }

    /// At most one window long. `table` is what it begins in the middle of, and then what goes on
    /// behind `blockEnd`.
    mutating func scanWindow(
        _ text: Span<UInt8>, around: Meaning, isFirst: Bool, blockEnd: Int, table: inout Table?
    ) -> [Finding] {
        if isFirst { scanner.begin() } else { scanner.goOn(in: table) }
        scanner.scan(text, around: around)
        table = scanner.open.flatMap { $0.end > blockEnd ? $0.table : nil }
        return scanner.findings.isEmpty ? [] : settle(text, around: around)
    }

    private mutating func scan(_ text: Span<UInt8>, around: Meaning) -> [Finding] {
        scanner.scan(text, around: around)
        return scanner.findings.isEmpty ? [] : settle(text, around: around)
    }

    /// What is masked is looked at once more: a value that ran into another is seen for one when
    /// the other is gone, and a text that was masked must not change when it is masked again.
    @discardableResult
    private mutating func settle(_ text: Span<UInt8>, around: Meaning) -> [Finding] {
        // Copied: the scanner would give up its buffer to an array that shares it.
        var all = settled
        settled = []
        defer { settled = all }
        all.removeAll(keepingCapacity: true)
        all.append(contentsOf: scanner.findings)
        for round in 0...Self.roundsMax {
            draft.clear()
            var quotes = JSONQuotes(of: text)
            draft.append(
                text, 0, text.count, findings: all, offset: 0, quotes: &quotes, by: masks)
            // One value that was all of the text has left nothing.
            let isWhole = all.count == 1 && all[0].start == 0 && all[0].end == text.count
            if isWhole || round == Self.roundsMax { break }
            let masked = draft.bytes
            scanner.scan(masked.span, around: around)
            let count = all.count
            for finding in scanner.findings {
                guard let source = draft.source(of: finding.start, finding.end) else { continue }
                all.append(Finding(finding.what, source.lowerBound, source.upperBound))
            }
            if all.count == count { break }
            Finding.merge(&all)
        }
        return all
    }

    private static let roundsMax = 8

    /// The text with every finding replaced.
    func written(_ text: Span<UInt8>, _ findings: [Finding]) -> [UInt8] {
        var draft = MaskDraft()
        var quotes = JSONQuotes(of: text)
        draft.append(text, 0, text.count, findings: findings, offset: 0, quotes: &quotes, by: masks)
        return draft.bytes
    }
}
