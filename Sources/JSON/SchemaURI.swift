/// A URI reference in its parts, RFC 3986; names schemas and is never fetched.
struct SchemaURI {
    private var scheme: String?
    private var authority: String?
    private var path = ""
    private var query: String?
    /// As it stands, still encoded; nil without `#`.
    private(set) var fragment: String?

    static let empty = SchemaURI("")

    init(_ text: String) {
        var rest = Array(text.utf8)[...]
        if let mark = rest.firstIndex(of: UInt8(ascii: "#")) {
            fragment = Self.text(rest[(mark + 1)...])
            rest = rest[..<mark]
        }
        if let mark = rest.firstIndex(of: UInt8(ascii: "?")) {
            query = Self.text(rest[(mark + 1)...])
            rest = rest[..<mark]
        }
        if let colon = rest.firstIndex(of: UInt8(ascii: ":")), colon > rest.startIndex,
            !rest[..<colon].contains(UInt8(ascii: "/"))
        {
            scheme = Self.text(rest[..<colon])
            rest = rest[(colon + 1)...]
        }
        if rest.starts(with: "//".utf8) {
            let name = rest.dropFirst(2)
            let end = name.firstIndex(of: UInt8(ascii: "/")) ?? name.endIndex
            authority = Self.text(name[..<end])
            rest = name[end...]
        }
        path = Self.text(rest)
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self)
    }

    /// Nothing but a fragment, if that.
    var isWithinDocument: Bool {
        scheme == nil && authority == nil && query == nil && path.utf8.isEmpty
    }

    /// Without the fragment.
    var identifier: String {
        var text = ""
        if let scheme { text += scheme + ":" }
        if let authority { text += "//" + authority }
        text += path
        if let query { text += "?" + query }
        return text
    }

    /// What `reference` means where this is the base, RFC 3986 section 5.2.2.
    func resolving(_ reference: SchemaURI) -> SchemaURI {
        var target = reference
        if reference.scheme != nil {
            target.path = Self.withoutDots(reference.path)
            return target
        }
        target.scheme = scheme
        if reference.authority != nil {
            target.path = Self.withoutDots(reference.path)
            return target
        }
        target.authority = authority
        if reference.path.utf8.isEmpty {
            target.path = path
            if reference.query == nil { target.query = query }
        } else if reference.path.utf8.first == UInt8(ascii: "/") {
            target.path = Self.withoutDots(reference.path)
        } else {
            target.path = Self.withoutDots(merged(reference.path))
        }
        return target
    }

    private func merged(_ relative: String) -> String {
        if authority != nil, path.utf8.isEmpty { return "/" + relative }
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return relative }
        return String(decoding: path.utf8[...slash], as: UTF8.self) + relative
    }

    /// RFC 3986 section 5.2.4.
    private static func withoutDots(_ path: String) -> String {
        var kept: [Substring.UTF8View] = []
        let segments = Substring(path).utf8.split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (index, segment) in segments.enumerated() {
            let isLast = index == segments.count - 1
            if segment.elementsEqual(".".utf8) {
                if isLast { kept.append(Substring().utf8) }
            } else if segment.elementsEqual("..".utf8) {
                // The first segment of an absolute path is empty and stays.
                if kept.count > 1 || kept.first?.isEmpty == false { kept.removeLast() }
                if isLast { kept.append(Substring().utf8) }
            } else {
                kept.append(segment)
            }
        }
        return kept.map { String(Substring($0)) }.joined(separator: "/")
    }
}
