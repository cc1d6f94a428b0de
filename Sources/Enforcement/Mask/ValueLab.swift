/// The masks of values for people who try them: texts with the places of what was found.
package struct ValueLab {
    /// A value that was found, counted in Unicode scalars of the text.
    package struct Span {
        package let start: Int
        package let end: Int
        package let kind: String
    }

    private var mask: TextMask
    private let masks: ValueMasks

    package init(_ masks: ValueMasks, only: Set<ValueKind>? = nil) {
        self.masks = masks
        mask = TextMask(masks, wanted: masks.wanted(for: nil, only: only))
    }

    package mutating func mask(_ text: String) -> (text: String, spans: [Span]) {
        let bytes = text.utf8.span
        let findings = mask.find(bytes)
        guard !findings.isEmpty else { return (text, []) }
        var spans: [Span] = []
        var index = 0
        var count = 0
        for finding in findings {
            count += Self.scalars(bytes, index, finding.start)
            let start = count
            count += Self.scalars(bytes, finding.start, finding.end)
            index = finding.end
            let kind = String(decoding: masks.label(of: finding.what), as: UTF8.self)
            spans.append(Span(start: start, end: count, kind: kind))
        }
        return (String(decoding: mask.written(bytes, findings), as: UTF8.self), spans)
    }

    private static func scalars(_ text: Swift.Span<UInt8>, _ start: Int, _ end: Int) -> Int {
        var count = 0
        for index in start..<end where text[index] & 0xC0 != 0x80 { count += 1 }
        return count
    }
}
