/// Everything that can be found in a text: as it stands, made plain, with up to two layers of
/// escapes and encodings taken off.
///
/// Keeps its buffers from one text to the next; a text in which nothing is found and nothing is
/// escaped costs no allocation.
struct ValueScanner {
    /// In order, without overlaps, as ranges of the text that was scanned last.
    private(set) var findings: [Finding] = []
    private let detectors: OwnDetectors
    private let wanted: WantedValues
    /// Each is made from the one before it, the first from the text.
    private var views: [MappedText] = []
    private var found: [Finding] = []
    private var words = WordScan()
    private var scratch: [UInt8] = []

    init(wanted: WantedValues, detectors: OwnDetectors = OwnDetectors()) {
        self.wanted = wanted
        self.detectors = detectors
    }

    /// Nothing of two bytes tells anything.
    static let bytesMin = 3
    /// The offsets of a view are 32 bits wide.
    static let bytesMax = Int(Int32.max)

    /// Of a text in windows, the table that the one before it was in the middle of; and whether
    /// this one is where the text begins.
    private var table: Table?
    private var isBeginning = true
    /// The table that goes on behind it.
    private(set) var open: (table: Table, end: Int)?

    /// The next texts are whole.
    mutating func begin() {
        table = nil
        isBeginning = true
    }

    /// The next text goes on where another ended, perhaps within a table.
    mutating func goOn(in table: Table?) {
        self.table = table
        isBeginning = false
    }

    mutating func scan(_ text: Span<UInt8>, around: Meaning = .nothing) {
        findings.removeAll(keepingCapacity: true)
        open = nil
        guard text.count >= Self.bytesMin else { return }
        // A moment tells nothing either, where no name of a column says that it is a birth.
        if around.isNothing, detectors.all.isEmpty, Dates.isMoment(text) { return }
        let needs = look(text, around: around, depth: 0, isDecoded: false)
        if !needs.isDisjoint(with: [.runs, .pairs]) { lookIntoRuns(text, needs, depth: 0) }
        var depth = 0
        if needs.contains(.plain), write(text, at: 0, Normal.write) {
            depth = 1
            look(at: depth, around, isDecoded: false)
        }
        if depth > 0 || needs.contains(.escapes) { lookDeeper(text, from: depth, around) }
        if findings.count > 1 { Finding.merge(&findings) }
    }

    /// One layer of escapes off, and one more.
    private mutating func lookDeeper(_ text: Span<UInt8>, from start: Int, _ around: Meaning) {
        var depth = start
        for _ in 0..<2 {
            guard writeNext(text, from: depth, Escapes.write) else { return }
            depth += 1
            if writeNext(text, from: depth, Normal.write) { depth += 1 }
            look(at: depth, around, isDecoded: true)
        }
    }

    private mutating func writeNext(
        _ text: Span<UInt8>, from depth: Int, _ change: (Span<UInt8>, inout MappedText) -> Bool
    ) -> Bool {
        guard depth > 0 else { return write(text, at: 0, change) }
        let source = views[depth - 1].bytes
        return write(source.span, at: depth, change)
    }

    private mutating func write(
        _ text: Span<UInt8>, at place: Int, _ change: (Span<UInt8>, inout MappedText) -> Bool
    ) -> Bool {
        if views.count == place { views.append(MappedText()) }
        return change(text, &views[place])
    }

    private mutating func look(at depth: Int, _ around: Meaning, isDecoded: Bool) {
        let bytes = views[depth - 1].bytes
        let needs = look(bytes.span, around: around, depth: depth, isDecoded: isDecoded)
        if !needs.isDisjoint(with: [.runs, .pairs]) {
            lookIntoRuns(bytes.span, needs, depth: depth)
        }
    }

    private mutating func look(
        _ text: Span<UInt8>, around: Meaning, depth: Int, isDecoded: Bool
    ) -> Needs {
        found.removeAll(keepingCapacity: true)
        let needs = TextScan.find(
            in: text, around: around, isDecoded: isDecoded, into: &found, by: &words)
        if !detectors.all.isEmpty { detectors.find(in: text, into: &found) }
        lookIntoTables(text, needs, depth)
        for finding in found where wanted.contains(finding.what) {
            findings.append(original(finding, depth))
        }
        return needs
    }

    private mutating func lookIntoTables(_ text: Span<UInt8>, _ needs: Needs, _ depth: Int) {
        if needs.contains(.tables) { Table.findRuled(in: text, into: &found) }
        guard needs.contains(.lines), isBeginning || depth == 0 && table != nil else { return }
        let leading = isBeginning ? Table(leading: text) : table
        guard let leading else { return }
        // The rest of a line that began in front of it, or the line of names.
        let start = text.end(of: 0) { $0 != UInt8(ascii: "\n") } + 1
        let end = leading.find(in: text, from: start, into: &found)
        if depth == 0 { open = (leading, end) }
    }

    private func original(_ finding: Finding, _ depth: Int) -> Finding {
        var finding = finding
        for view in views[..<depth].reversed() {
            (finding.start, finding.end) = view.source(finding.start, finding.end)
        }
        return finding
    }

    /// A hit anywhere in an encoded run masks the run: nothing of it can be shown by halves.
    private mutating func lookIntoRuns(_ text: Span<UInt8>, _ needs: Needs, depth: Int) {
        var runs: [Finding] = []
        let (detectors, wanted) = (detectors, wanted)
        let look = { (start: Int, end: Int, decoded: [UInt8]) in
            var hits: [Finding] = []
            Self.lookInto(decoded, detectors, depth: 0, into: &hits)
            guard let first = hits.first(where: { wanted.contains($0.what) }) else { return }
            runs.append(Finding(first.what, start, end))
        }
        if needs.contains(.runs) {
            EncodedRuns.each(
                in: text, from: words.firstRun, to: words.lastRun, with: &scratch, look)
        }
        if needs.contains(.pairs) { EncodedRuns.eachOfPairs(in: text, with: &scratch, look) }
        for run in runs { findings.append(original(run, depth)) }
    }

    private static func lookInto(
        _ decoded: [UInt8], _ detectors: OwnDetectors, depth: Int, into hits: inout [Finding]
    ) {
        _ = TextScan.find(in: decoded.span, into: &hits)
        detectors.find(in: decoded.span, into: &hits)
        guard depth == 0, hits.isEmpty else { return }
        var inner: [Finding] = []
        var scratch: [UInt8] = []
        EncodedRuns.each(in: decoded.span, with: &scratch) { _, _, bytes in
            lookInto(bytes, detectors, depth: 1, into: &inner)
        }
        var view = MappedText()
        if Escapes.write(decoded.span, into: &view) {
            _ = TextScan.find(in: view.bytes.span, into: &inner)
        }
        hits.append(contentsOf: inner)
    }
}

/// Which kinds are to be masked; the rest is not even found.
struct WantedValues: Sendable {
    private var kinds: UInt32 = 0
    private var own: UInt64 = 0

    static let everything = WantedValues(of: ValueKind.allCases, own: 0..<64)

    init(of kinds: some Sequence<ValueKind>, own: some Sequence<Int> = EmptyCollection()) {
        for kind in kinds { self.kinds |= Self.bit(kind) }
        for place in own { self.own |= 1 << UInt64(place) }
    }

    private static func bit(_ kind: ValueKind) -> UInt32 { 1 << UInt32(kind.place) }

    func contains(_ what: Finding.What) -> Bool {
        switch what {
        case .kind(let kind): kinds & Self.bit(kind) != 0
        case .own(let place): own & (1 << UInt64(place)) != 0
        }
    }

    var isEmpty: Bool { kinds == 0 && own == 0 }
}
