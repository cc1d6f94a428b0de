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

/// How fast texts are masked, by the time that their thread takes.
package struct ValueMeter {
    package struct Speed {
        package var bytes = 0
        package var findings = 0
        /// Of 10^6 bytes a second, with one decimal.
        package var megabytes = ""
    }

    private var mask: TextMask

    package init(_ masks: ValueMasks, only: Set<ValueKind>? = nil) {
        mask = TextMask(masks, wanted: masks.wanted(for: nil, only: only))
    }

    /// All texts, again and again until the time is over; the fastest round counts.
    package mutating func measure(_ texts: [String], for time: Duration) -> Speed {
        var speed = Speed()
        for text in texts {
            speed.bytes += text.utf8.count
            speed.findings += mask.find(text.utf8.span).count
        }
        let end = ContinuousClock.now + time
        var fastest = Duration.seconds(1_000)
        repeat {
            let start = ContinuousClock.now
            for text in texts { _ = mask.masked(text.utf8.span) }
            fastest = min(fastest, ContinuousClock.now - start)
        } while ContinuousClock.now < end
        let tenths = Int64(speed.bytes) * 10 / max(1, fastest.microseconds)
        speed.megabytes = "\(tenths / 10).\(tenths % 10)"
        return speed
    }
}
