/// Addresses of networks: IPv4, IPv6, MAC.
enum Addresses {
    static func ipv4(_ text: Span<UInt8>, at start: Int, _ run: borrowing NumberRun) -> Finding? {
        let dot = UInt8(ascii: ".")
        guard run.separator(of: 4) == dot else { return nil }
        var place = 0
        for index in 0..<4 {
            let length = run.length(index)
            guard length <= 3, run.digits.number(place, length) <= 255,
                length == 1 || run.digits[place] != 0
            else { return nil }
            place += length
        }
        let end = run.end(3)
        // `0.1.2.3`: four digits with a zero in front are a version, unless all are zero.
        if run.digits[0] == 0, place == 4, run.digits.number(0, 4) != 0 { return nil }
        // A fifth part, or a name that goes on: `1.2.3.4.5`, `1.2.3.4-rc1`, `10.0.0.1.nip.io`.
        if run.count > 4, run.joint(4) == dot { return nil }
        if text.at(end) == dot, text.at(end + 1).isWord { return nil }
        if text.at(end) == UInt8(ascii: "-") || text.at(end) == UInt8(ascii: "+"),
            text.at(end + 1).isLetter
        {
            return nil
        }
        let before = text.at(start - 1)
        // `libssl1.1_1.1.1.4-1`
        if before == UInt8(ascii: "_"), text.at(end) == UInt8(ascii: "-"), text.at(end + 1).isDigit
        {
            return nil
        }
        if before == dot || before == UInt8(ascii: "-") && text.at(start - 2).isWord { return nil }
        return isVersion(text, before: start) || isUpdate(text, start, end)
            ? nil : Finding(.ip, start, end)
    }

    /// `updated from 1.2.3.4 to 1.2.3.5`, from either side.
    private static func isUpdate(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        var from = start
        if text.hasFolded(" to ", at: start - 4) {
            from = text.start(of: start - 4, atMost: 15) { $0.isDigit || $0 == UInt8(ascii: ".") }
        } else if !text.hasFolded(" to ", at: end) || !text.at(end + 4).isDigit {
            return false
        }
        guard text.hasFolded("from ", at: from - 5) else { return false }
        for word in ["updated ", "upgraded ", "update ", "upgrade ", "bumped ", "downgraded "]
            as [StaticString]
        where text.hasFolded(word, at: from - 5 - word.utf8CodeUnitCount) { return true }
        return false
    }

    /// `version 1.2.3.4`, `Chrome/1.2.3.4`, `§ 4.3.2.1`.
    private static func isVersion(_ text: Span<UInt8>, before start: Int) -> Bool {
        if text.at(start - 1) == UInt8(ascii: "/"), text.at(start - 2).isLetter {
            let word = text.start(of: start - 1, atMost: 32) { $0.isWord }
            return text.at(word - 1) != UInt8(ascii: "/") && text.at(word - 1) != UInt8(ascii: ".")
        }
        if text.at(start - 1) == UInt8(ascii: "#") { return true }
        let gap = text.start(of: start, atMost: 4) { !($0.isWord || $0 >= 0x80) }
        if text.has("==", at: start - 2) {
            return gap != start - 2 || !text.lastWord(before: start).cues.contains(.ip)
        }
        if text.has("\u{A7}", at: gap - 2) { return true }
        let meaning = text.lastWord(before: start)
        if meaning.cues.contains(.ip) { return false }
        if meaning.cues.contains(.version) { return true }
        // `version is`, `version number`, `version: v`.
        let word = text.start(of: gap, atMost: 8) { $0.isWord }
        guard gap - word <= 6, word < gap else { return false }
        return text.lastWord(before: word).cues.contains(.version)
    }

    /// The run of hexadecimal digits, colons and dots around `index`, as IPv6 or MAC.
    static func colons(_ text: Span<UInt8>, from start: Int) -> Finding? {
        let end = text.end(of: start, atMost: 64) {
            $0.isHex || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".")
        }
        guard !text.at(end).isWord || text.at(end) == UInt8(ascii: "%"), text.at(end) < 0x80 else {
            return nil
        }
        var stop = end
        while stop > start, text[stop - 1] == UInt8(ascii: ".") { stop -= 1 }
        if text.at(stop - 1) == UInt8(ascii: ":"), text.at(stop - 2) != UInt8(ascii: ":") {
            stop -= 1
        }
        if let mac = mac(text, start, stop, UInt8(ascii: ":")) { return mac }
        guard IPv6.isAddress(text, start, stop) else { return nil }
        // `%eth0`
        if text.at(stop) == UInt8(ascii: "%"), text.at(stop + 1).isLetter {
            stop = text.end(of: stop + 1, atMost: 16) { $0.isWord }
        }
        return Finding(.ip, start, stop)
    }

    /// Six pairs, no more: eight are an EUI-64, which is no address of a person's device.
    static func mac(_ text: Span<UInt8>, _ start: Int, _ end: Int, _ separator: UInt8) -> Finding? {
        guard end - start >= 17 else { return nil }
        for index in 0..<17 {
            let byte = text[start + index]
            if index % 3 == 2 ? byte != separator : !byte.isHex { return nil }
        }
        if text.at(start + 17).isWord
            || text.at(start + 17) == separator && text.at(start + 18).isHex
        {
            return nil
        }
        return Finding(.mac, start, start + 17)
    }

    /// `506e.dc8a.22bf`.
    static func dottedMAC(_ text: Span<UInt8>, at start: Int) -> Finding? {
        guard start + 14 <= text.count else { return nil }
        for index in 0..<14 {
            let byte = text[start + index]
            if index % 5 == 4 ? byte != UInt8(ascii: ".") : !byte.isHex { return nil }
        }
        let next = text.at(start + 14)
        if next.isWord || next == UInt8(ascii: ".") && text.at(start + 15).isWord { return nil }
        if text.at(start - 1) == UInt8(ascii: ".") { return nil }
        // Digits alone are some number in groups.
        let hasLetter = text.end(of: start, atMost: 14) { !$0.isLetter } < start + 14
        return hasLetter ? Finding(.mac, start, start + 14) : nil
    }
}

/// RFC 4291 section 2.2, without any text that only looks so: times, EUI-64, paths of code.
enum IPv6 {
    static func isAddress(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        var groups = 0
        var hasGap = false
        var hasDigit = false
        var pairs = 0
        var index = start
        while index < end {
            if text[index] == UInt8(ascii: ":") {
                if text.at(index + 1) == UInt8(ascii: ":"), index + 1 < end {
                    if hasGap { return false }
                    hasGap = true
                    index += 2
                    continue
                }
                if index == start { return false }
                index += 1
                guard index < end else { return false }
            }
            let stop = text.end(of: index, atMost: end - index) { $0.isHex }
            guard stop > index, stop - index <= 4 else { return false }
            if text.at(stop) == UInt8(ascii: "."), stop < end {
                guard isIPv4(text, index, end) else { return false }
                groups += 2
                hasDigit = true
                index = end
                break
            }
            for place in index..<stop where text[place].isDigit { hasDigit = true }
            groups += 1
            if stop - index == 2 { pairs += 1 }
            index = stop
            if index < end, text[index] != UInt8(ascii: ":") { return false }
        }
        guard groups > 0, hasDigit else { return false }
        // `10:15::12` is a time with something left out.
        if hasGap, groups == 3, pairs == 3 {
            for place in start..<end where text[place].isLetter { return true }
            return false
        }
        return hasGap ? groups < 8 : groups == 8 && pairs < 8
    }

    private static func isIPv4(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        var index = start
        for part in 0..<4 {
            let stop = text.end(of: index, atMost: 4) { $0.isDigit }
            guard (1...3).contains(stop - index) else { return false }
            if part < 3, text.at(stop) != UInt8(ascii: ".") { return false }
            index = stop + (part < 3 ? 1 : 0)
        }
        return index == end
    }
}
