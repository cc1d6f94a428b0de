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
    private var plain = MappedText()
    private var layers: [MappedText] = []
    private var found: [Finding] = []

    init(wanted: WantedValues, detectors: OwnDetectors = OwnDetectors()) {
        self.wanted = wanted
        self.detectors = detectors
    }

    /// The offsets of a view are 32 bits wide.
    static let bytesMax = Int(Int32.max)

    mutating func scan(_ text: Span<UInt8>, around: Meaning = .nothing) {
        findings.removeAll(keepingCapacity: true)
        let needs = Needs(text)
        // Nothing of two bytes tells anything.
        guard text.count > 2 else { return }
        if needs.rawValue != 0, layers.isEmpty { layers = [MappedText(), MappedText()] }
        if needs.contains(.plain), Normal.write(text, into: &plain) {
            scanPlain(needs, around)
        } else {
            look(text, around: around, through: nil)
            if needs.contains(.runs) { lookIntoRuns(text, through: nil) }
            if needs.contains(.escapes), Escapes.write(text, into: &layers[0]) {
                scanLayers(around)
            }
        }
        if findings.count > 1 { Finding.merge(&findings) }
    }

    private mutating func scanPlain(_ needs: Needs, _ around: Meaning) {
        let view = plain
        look(view.bytes.span, around: around, through: view)
        // What was full-width may be an escape or a run now.
        lookIntoRuns(view.bytes.span, through: view)
        if Escapes.write(view.bytes.span, into: &layers[0]) {
            layers[0].follow(view)
            scanLayers(around)
        }
    }

    /// The first layer is written; one more is taken off.
    private mutating func scanLayers(_ around: Meaning) {
        for depth in 0..<2 {
            let view = layers[depth]
            if Normal.write(view.bytes.span, into: &plain) {
                plain.follow(view)
                let flat = plain
                look(flat.bytes.span, around: around, through: flat, isDecoded: true)
            } else {
                look(view.bytes.span, around: around, through: view, isDecoded: true)
            }
            lookIntoRuns(view.bytes.span, through: view)
            guard depth == 0, Escapes.write(view.bytes.span, into: &layers[1]) else { return }
            layers[1].follow(view)
        }
    }

    private mutating func look(
        _ text: Span<UInt8>, around: Meaning, through view: MappedText?, isDecoded: Bool = false
    ) {
        found.removeAll(keepingCapacity: true)
        TextScan.find(in: text, around: around, isDecoded: isDecoded, into: &found)
        detectors.find(in: text, into: &found)
        for finding in found where wanted.contains(finding.what) {
            var finding = finding
            if let view { (finding.start, finding.end) = view.original(finding.start, finding.end) }
            findings.append(finding)
        }
    }

    /// A hit anywhere in an encoded run masks the run: nothing of it can be shown by halves.
    private mutating func lookIntoRuns(_ text: Span<UInt8>, through view: MappedText?) {
        var runs: [Finding] = []
        let (detectors, wanted) = (detectors, wanted)
        EncodedRuns.each(in: text) { start, end, decoded in
            var hits: [Finding] = []
            Self.lookInto(decoded, detectors, depth: 0, into: &hits)
            guard let first = hits.first(where: { wanted.contains($0.what) }) else { return }
            let range = view?.original(start, end) ?? (start, end)
            runs.append(Finding(first.what, range.0, range.1))
        }
        findings.append(contentsOf: runs)
    }

    private static func lookInto(
        _ decoded: [UInt8], _ detectors: OwnDetectors, depth: Int, into hits: inout [Finding]
    ) {
        TextScan.find(in: decoded.span, into: &hits)
        detectors.find(in: decoded.span, into: &hits)
        guard depth == 0, hits.isEmpty else { return }
        var inner: [Finding] = []
        EncodedRuns.each(in: decoded.span) { _, _, bytes in
            lookInto(bytes, detectors, depth: 1, into: &inner)
        }
        var view = MappedText()
        if Escapes.write(decoded.span, into: &view) {
            TextScan.find(in: view.bytes.span, into: &inner)
        }
        hits.append(contentsOf: inner)
    }
}

/// What of a text must be made plain or decoded, by one look at its bytes.
private struct Needs: OptionSet {
    let rawValue: UInt8
    init(rawValue: UInt8) { self.rawValue = rawValue }

    static let plain = Needs(rawValue: 1)
    static let escapes = Needs(rawValue: 2)
    static let runs = Needs(rawValue: 4)

    private static let table: [UInt8] = (0..<256).map { value in
        let byte = UInt8(value)
        if byte.isBase64 && byte != UInt8(ascii: "+") { return 8 }
        switch byte {
        case 0x80...: return plain.rawValue
        case UInt8(ascii: "%"), UInt8(ascii: "\\"), UInt8(ascii: "&"): return escapes.rawValue
        case UInt8(ascii: "+"): return escapes.rawValue | 8
        default: return 0
        }
    }

    init(_ text: Span<UInt8>) {
        let kinds = Self.table
        let table = kinds.span
        var needs: UInt8 = 0
        var run = 0
        var longest = 0
        for index in 0..<text.count {
            let kind = table[Int(text[index])]
            needs |= kind
            run = kind & 8 != 0 ? run + 1 : 0
            longest = max(longest, run)
        }
        self.init(rawValue: needs & 3)
        if longest >= EncodedRuns.lengthMin { formUnion(.runs) }
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

    private static let places = Dictionary(
        uniqueKeysWithValues: ValueKind.allCases.enumerated().map { ($1, UInt32($0)) })

    private static func bit(_ kind: ValueKind) -> UInt32 { 1 << (places[kind] ?? 31) }

    func contains(_ what: Finding.What) -> Bool {
        switch what {
        case .kind(let kind): kinds & Self.bit(kind) != 0
        case .own(let place): own & (1 << UInt64(place)) != 0
        }
    }

    var isEmpty: Bool { kinds == 0 && own == 0 }
}
