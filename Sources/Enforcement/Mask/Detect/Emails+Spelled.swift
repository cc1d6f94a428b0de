/// Addresses that people write so that no program reads them: `ana (at) example [dot] com`.
extension Emails {
    /// `start..<end` is a word of one or two letters.
    static func spelled(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        guard end - start == 2, text.hasFolded("at", at: start) else { return nil }
        if let (before, after) = bracketed(text, start, end) {
            return joined(text, before, after, isCertain: true)
        }
        if let finding = jointed(text, start, end) { return finding }
        if text.has(" -", at: start - 2), text.has("- ", at: end) {
            return joined(text, start - 1, end + 1, isCertain: true)
        }
        guard text.at(start - 1) == 0x20, text.at(end) == 0x20 else { return nil }
        return joined(text, start, end, isCertain: false)
    }

    /// `ana.li(@)example.com`, `ana.li @ example.com`.
    static func apart(_ text: Span<UInt8>, _ place: Int) -> Finding? {
        if let (before, after) = bracketed(text, place, place + 1) {
            return joined(text, before, after, isCertain: true)
        }
        guard text.at(place - 1) == 0x20, text.at(place + 1) == 0x20 else { return nil }
        return joined(text, place, place + 1, isCertain: false)
    }

    /// What stands around the brackets around `start..<end`.
    private static func bracketed(
        _ text: Span<UInt8>, _ start: Int, _ end: Int
    ) -> (Int, Int)? {
        let open = text.start(of: start, atMost: 1) { isAround($0) } - 1
        let close = text.end(of: end, atMost: 1) { isAround($0) }
        guard opens(text.at(open)), closes(text.at(close)) else { return nil }
        return (open, close + 1)
    }

    private static func isAround(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == UInt8(ascii: "_")
    }

    private static func opens(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "(") || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{")
            || byte == UInt8(ascii: "<")
    }

    private static func closes(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ")") || byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}")
            || byte == UInt8(ascii: ">")
    }

    /// Without brackets, `at` is a word: then what stands in front of it must be no word.
    private static func joined(
        _ text: Span<UInt8>, _ before: Int, _ after: Int, isCertain: Bool
    ) -> Finding? {
        let localEnd = text.start(of: before, atMost: 1) { $0 == 0x20 }
        var start = localStart(text, before: localEnd)
        guard start < localEnd else { return nil }
        let from = text.end(of: after, atMost: 1) { $0 == 0x20 }
        let end = domainEnd(text, from: from, isSpelled: true)
        guard end > from else { return nil }
        var isName = text.end(of: start, atMost: localEnd - start) { $0.isLetter } < localEnd
        if let dotted = dottedStart(text, start) {
            start = dotted
            isName = true
        }
        return isCertain || isName && text[start].isLetter ? Finding(.email, start, end) : nil
    }

    /// `ana_at_example.com`, `ana-at-example-dot-com`: one sign around every word of it.
    private static func jointed(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Finding? {
        let joint = text.at(end)
        guard text.at(start - 1) == joint,
            joint == UInt8(ascii: "_") || joint == UInt8(ascii: "-") || joint == UInt8(ascii: ".")
        else { return nil }
        let from = localStart(text, before: start - 1)
        guard from < start - 1 else { return nil }
        let stop =
            dottedEnd(text, end + 1, joint)
            ?? (joint == UInt8(ascii: "_") ? domainEnd(text, from: end + 1) : end + 1)
        guard stop > end + 1, isOfMail(text, stop) else { return nil }
        return Finding(.email, from, stop)
    }

    /// The end of a domain of labels with `dot` between.
    private static func dottedEnd(_ text: Span<UInt8>, _ start: Int, _ joint: UInt8) -> Int? {
        var index = start
        var dots = 0
        for _ in 0..<8 {
            let label = index
            index = text.end(of: label, atMost: 63) {
                $0.isWord || $0 == UInt8(ascii: "-") && joint != $0
            }
            guard index > label else { return nil }
            guard text.at(index) == joint, text.at(index + 1).isWord else { break }
            index += 1
            if text.hasFolded("dot", at: index), text.at(index + 3) == joint {
                dots += 1
                index += 4
            } else if joint != UInt8(ascii: "-") || dots > 0 {
                return dots > 0 ? index - 1 : nil
            }
        }
        return dots > 0 ? index : nil
    }

    /// Whether a domain ends in what mail goes to, and no kind of file has.
    private static func isOfMail(_ text: Span<UInt8>, _ end: Int) -> Bool {
        let last = text.start(of: end, atMost: 8) { $0.isLetter }
        let endings: [StaticString] = [
            "com", "org", "net", "edu", "gov", "info", "biz", "eu", "de", "uk", "fr", "it", "es",
            "nl", "se", "no", "dk", "fi", "ch", "be", "us", "ca", "au", "jp", "br", "mx", "ie",
            "nz", "za", "gr", "pt", "cz", "at", "ru", "io",
        ]
        return endings.contains { ending in
            end - last == ending.utf8CodeUnitCount && text.hasFolded(ending, at: last)
        }
    }

    /// `ana dot li`: where the part in front of the ` dot ` begins.
    private static func dottedStart(_ text: Span<UInt8>, _ place: Int) -> Int? {
        for form in [" dot ", "[dot]", "(dot)", "{dot}"] as [StaticString] {
            let end = place - form.utf8CodeUnitCount
            guard text.hasFolded(form, at: end) else { continue }
            let start = localStart(text, before: end)
            if start < end { return start }
        }
        return nil
    }

    /// The end of `.`, `[.]` and `(dot)`, and where all of it is spelled of ` dot ` and ` [dot] `.
    static func dotEnd(_ text: Span<UInt8>, _ index: Int, isSpelled: Bool) -> Int? {
        if text.at(index) == UInt8(ascii: ".") { return index + 1 }
        let open = isSpelled ? text.end(of: index, atMost: 1) { $0 == 0x20 } : index
        if isSpelled, open > index, text.hasFolded("dot ", at: open) { return open + 4 }
        guard opens(text.at(open)), text.at(open) != UInt8(ascii: "<") || isSpelled else {
            return nil
        }
        var end = text.end(of: open + 1, atMost: 1) { $0 == 0x20 }
        if text.at(end) == UInt8(ascii: ".") {
            end += 1
        } else if text.hasFolded("dot", at: end) {
            end += 3
        } else {
            return nil
        }
        end = text.end(of: end, atMost: 1) { $0 == 0x20 }
        guard closes(text.at(end)) else { return nil }
        return isSpelled ? text.end(of: end + 1, atMost: 1) { $0 == 0x20 } : end + 1
    }
}
