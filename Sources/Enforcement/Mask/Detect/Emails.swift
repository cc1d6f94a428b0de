/// E-mail addresses: what can be written in front of and behind an `@` (RFC 5321, RFC 6531).
enum Emails {
    static let localMax = 64
    static let domainMax = 255

    static func find(_ text: Span<UInt8>, at place: Int) -> Finding? {
        if let finding = apart(text, place) { return finding }
        let end = domainEnd(text, from: place + 1)
        guard end > place + 1 else { return nil }
        if text.at(place - 1) == UInt8(ascii: "\""), let start = quotedStart(text, place - 1) {
            return Finding(.email, start, end)
        }
        let start = localStart(text, before: place)
        guard start < place, !isRepository(text, end), !isService(text, start, place) else {
            return nil
        }
        // `git@2x`, `@scope/pkg@1.2.3`: a package or a path, whose name begins with one more `@`.
        if text.at(start - 1) == UInt8(ascii: "/"), text.at(start - 2).isWord,
            isPackage(text, start)
        {
            return nil
        }
        return Finding(.email, start, end)
    }

    /// `git@github.com:org/repo.git`.
    private static func isRepository(_ text: Span<UInt8>, _ end: Int) -> Bool {
        guard text.at(end) == UInt8(ascii: ":"), text.at(end + 1).isLetter else { return false }
        let path = text.end(of: end + 1, atMost: 64) { $0.isToken || $0 == UInt8(ascii: ".") }
        return text.at(path) == UInt8(ascii: "/")
    }

    /// `git@github.com` is nobody's.
    private static func isService(_ text: Span<UInt8>, _ start: Int, _ place: Int) -> Bool {
        place - start == 3 && text.hasFolded("git", at: start)
    }

    private static func isPackage(_ text: Span<UInt8>, _ start: Int) -> Bool {
        let scope = text.start(of: start - 1, atMost: 64) { $0.isToken }
        return text.at(scope - 1) == UInt8(ascii: "@")
    }

    /// `"john doe"@example.com`.
    private static func quotedStart(_ text: Span<UInt8>, _ quote: Int) -> Int? {
        let start = text.start(of: quote, atMost: localMax) {
            $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\n")
        }
        guard start > 0, start < quote, text[start - 1] == UInt8(ascii: "\"") else { return nil }
        return start - 1
    }

    static func localStart(_ text: Span<UInt8>, before place: Int) -> Int {
        var start = text.start(of: place, atMost: localMax + 32) { isLocal($0) || $0 >= 0x80 }
        start = afterIdeographs(text, start, place)
        // What only surrounds an address is no part of it: `'ana@…'`, `.ana@…`.
        while start < place,
            !(text[start].isWord || text[start] >= 0x80 || text[start] == UInt8(ascii: "_"))
        {
            start += 1
        }
        return text.at(place - 1) == UInt8(ascii: ".") ? place : start
    }

    /// RFC 5322 `atext`, without what stands in front of an address in files and links.
    private static func isLocal(_ byte: UInt8) -> Bool {
        if byte.isWord { return true }
        switch byte {
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"),
            UInt8(ascii: "'"), UInt8(ascii: "~"), UInt8(ascii: "!"), UInt8(ascii: "#"),
            UInt8(ascii: "$"), UInt8(ascii: "^"):
            return true
        default: return false
        }
    }

    /// Chinese and Japanese sentences run into an address without a space. An address that is
    /// itself in such letters is taken from where they begin.
    private static func afterIdeographs(_ text: Span<UInt8>, _ start: Int, _ place: Int) -> Int {
        var index = place
        while index > start {
            if text[index - 1] < 0x80 {
                index -= 1
                continue
            }
            let lead = text.start(of: index, atMost: 4) { $0 & 0xC0 == 0x80 } - 1
            guard lead >= start else { return index }
            if text[lead] >= 0xE0 {
                // Nothing in ASCII between the letters and the `@`: the address is in them.
                return index == place
                    ? text.start(of: place, atMost: 48) { $0 >= 0x80 } : index
            }
            index = lead
        }
        return start
    }

    /// The end of a domain with at least two labels, the last of letters; else `start`.
    static func domainEnd(
        _ text: Span<UInt8>, from start: Int, isSpelled: Bool = false
    ) -> Int {
        if text.at(start) == UInt8(ascii: "[") { return literalEnd(text, start) }
        var index = start
        var best = start
        var labels = 0
        while index < text.count, index - start < domainMax {
            let end = labelEnd(text, index)
            guard end > index else { break }
            labels += 1
            if labels > 1, isTopLabel(text, index, end) { best = end }
            guard let next = dotEnd(text, end, isSpelled: isSpelled),
                text.at(next).isWord || text.at(next) >= 0x80
            else { break }
            index = next
        }
        guard best > start else { return start }
        return isFileName(text, start, best) ? start : best
    }

    /// `ana@[192.0.2.1]`.
    private static func literalEnd(_ text: Span<UInt8>, _ start: Int) -> Int {
        let end = text.end(of: start + 1, atMost: 50) {
            $0.isHex || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") || $0.isLetter
        }
        return end > start + 6 && text.at(end) == UInt8(ascii: "]") ? end + 1 : start
    }

    private static func labelEnd(_ text: Span<UInt8>, _ start: Int) -> Int {
        // A label in ASCII ends where ideographs begin; one that begins in them goes on.
        let isWide = text.at(start) >= 0x80
        var end = start
        while end < text.count, end - start < 63 {
            let byte = text[end]
            if byte.isToken && byte != UInt8(ascii: "_") {
                end += 1
            } else if byte >= 0x80, isWide || byte < 0xE0 {
                if byte >= 0xE0, isFullStop(text, end) { break }
                end += 1
            } else {
                break
            }
        }
        while end > start, text[end - 1] == UInt8(ascii: "-") { end -= 1 }
        return end
    }

    /// Punctuation of Chinese and Japanese: `。`, `、`, `，`, quotes and brackets.
    private static func isFullStop(_ text: Span<UInt8>, _ index: Int) -> Bool {
        text[index] == 0xE3 && text.at(index + 1) == 0x80 || text[index] == 0xEF
            || text[index] == 0xE2
    }

    private static func isTopLabel(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        if text[start] >= 0x80 { return true }
        if text.hasFolded("xn--", at: start) { return end - start > 4 }
        guard end - start >= 2 else { return false }
        for index in start..<end where !text[index].isLetter { return text[index] >= 0x80 }
        return true
    }

    /// `icon@2x.png`, `style@media.css`: the endings of files that are no domains.
    private static func isFileName(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        let last = text.start(of: end, atMost: 8) { $0.isLetter }
        guard text.at(last - 1) == UInt8(ascii: ".") else { return false }
        let endings: [StaticString] = [
            "png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "json", "yaml", "yml", "html",
            "exe", "dll", "jar", "tgz", "gz", "xz", "whl", "deb", "rpm", "txt", "pdf", "lock",
            "service", "socket", "timer", "mount", "slice", "conf", "cfg", "ini", "log", "rb",
        ]
        return endings.contains { ending in
            end - last == ending.utf8CodeUnitCount && text.hasFolded(ending, at: last)
        }
    }
}
