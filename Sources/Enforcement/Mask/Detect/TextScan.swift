/// Where in this text are values that people are known by, or that let someone in?
///
/// One pass. The text is taken word by word; what begins with a digit, a known prefix or a known
/// word is handed to the detector for it, and so are the few signs that join values (`@`, `:`,
/// `=`, `+`, `-`, `<`). No detector looks further than a bound of its own or reads a byte that
/// it has not taken more than a fixed number of times, so the time grows with the text and
/// nothing else. It must never follow a value back and forth: that is what makes expressions slow.
enum TextScan {
    /// Appends in no particular order; hits may overlap. Answers what else is to be done about the
    /// text. `around` is what is known about the whole
    /// text, such as the name of its column.
    static func find(
        in text: Span<UInt8>, around: Meaning = .nothing, isDecoded: Bool = false,
        into findings: inout [Finding]
    ) -> Needs {
        var scan = WordScan()
        return find(in: text, around: around, isDecoded: isDecoded, into: &findings, by: &scan)
    }

    /// With a scan that is kept from one text to the next: what it looks up is shared by all
    /// threads, and each new reference to that would be counted.
    static func find(
        in text: Span<UInt8>, around: Meaning, isDecoded: Bool, into findings: inout [Finding],
        by scan: inout WordScan
    ) -> Needs {
        scan.begin(around: around, isDecoded: isDecoded)
        var index = 0
        while index < text.count {
            let kind = ByteClass(rawValue: scan.classes[Int(text[index])])
            if kind.isEmpty {
                index += 1
                continue
            }
            if kind.isDisjoint(with: .word) {
                index =
                    kind == .wide
                    ? scan.wide(text, at: index, into: &findings)
                    : scan.sign(text, at: index, into: &findings)
                continue
            }
            let start = index
            var seen = kind
            index += 1
            while index < text.count {
                let next = ByteClass(rawValue: scan.classes[Int(text[index])])
                if next.isDisjoint(with: .word) { break }
                seen.formUnion(next)
                index += 1
            }
            if index - start >= EncodedRuns.wordMin, !seen.isDisjoint(with: EncodedRuns.marks) {
                scan.noteRun(start)
            }
            index = scan.word(text, start, index, seen, into: &findings)
        }
        return scan.needs
    }
}

/// What else is to be done about a text: what must be made plain, decoded or read by columns.
struct Needs: OptionSet {
    let rawValue: UInt8

    static let plain = Needs(rawValue: 1)
    static let escapes = Needs(rawValue: 2)
    static let runs = Needs(rawValue: 4)
    /// Bytes in hexadecimal digits that stand apart.
    static let pairs = Needs(rawValue: 8)
    /// A table with a rule below its names.
    static let tables = Needs(rawValue: 16)
    /// There are several lines.
    static let lines = Needs(rawValue: 32)
}
