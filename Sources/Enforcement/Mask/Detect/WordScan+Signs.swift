/// The few signs that join values.
extension WordScan {
    mutating func sign(
        _ text: Span<UInt8>, at index: Int, into findings: inout [Finding]
    ) -> Int {
        var finding: Finding?
        switch text[index] {
        case UInt8(ascii: "@"):
            if index >= hostStart { finding = Emails.find(text, at: index) }
        case UInt8(ascii: "%"), UInt8(ascii: "\\"), UInt8(ascii: "&"):
            needs.formUnion(.escapes)
            return index + 1
        case UInt8(ascii: "\n"):
            needs.formUnion(.lines)
            return index + 1
        case UInt8(ascii: "+"):
            needs.formUnion(.escapes)
            finding = Phones.international(text, plus: index)
        case UInt8(ascii: ":"): finding = colon(text, index)
        case UInt8(ascii: "="):
            if Escapes.isQuotedPrintable(text, index) { needs.formUnion(.escapes) }
            finding = Assignments.find(text, sign: index, isDecoded: isDecoded)
        case UInt8(ascii: "<"):
            if let end = text.issuedTokenEnd(at: index) { return end }
            if text.at(index - 1).isDigit { needs.formUnion(.escapes) }
            if text.at(index + 1).isLetter { finding = Assignments.element(text, open: index) }
        case UInt8(ascii: "-"):
            if text.at(index + 1) == UInt8(ascii: "-"), text.at(index + 2) == UInt8(ascii: "-") {
                finding = Secrets.pem(text, at: index)
                // A line of dashes is looked at once.
                if finding == nil { return lineOfDashes(text, at: index) }
            }
        default: break
        }
        guard let finding else { return index + 1 }
        return taken(finding, &findings, atLeast: index + 1)
    }

    private mutating func lineOfDashes(_ text: Span<UInt8>, at index: Int) -> Int {
        let end = text.end(of: index) { $0 == UInt8(ascii: "-") }
        let next = text.end(of: end, atMost: 2) { $0 == 0x20 || $0 == UInt8(ascii: ":") }
        let joint = text.at(next)
        if joint == UInt8(ascii: "|") || joint == UInt8(ascii: "+") { needs.formUnion(.tables) }
        return end
    }

    mutating func colon(_ text: Span<UInt8>, _ index: Int) -> Finding? {
        if text.at(index + 1) == UInt8(ascii: "/"), text.at(index + 2) == UInt8(ascii: "/") {
            guard let link = Links.credentials(text, colon: index) else { return nil }
            hostStart = link.hostStart
            return link.finding
        }
        if text.at(index + 1) == UInt8(ascii: ":") {
            // `::1`, but not the middle of `a::b`.
            if !text.at(index - 1).isWord, text.at(index - 1) != UInt8(ascii: ":") {
                return Addresses.colons(text, from: index)
            }
            return nil
        }
        if let password = PasswordLines.find(text, at: index) { return password }
        return Assignments.find(text, sign: index, isDecoded: isDecoded)
    }
}
