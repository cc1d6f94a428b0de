// What does this document hold?
//
// The XML that signed assertions need and nothing else: no document type, no entity but the five
// that XML has by itself, no processing instruction, no CDATA section, names in ASCII. What two
// readers could read in two ways is refused. It asks for nothing outside the document, and every
// loop ends at a limit.

import JSON

struct XMLReader {
    static let bytesMax = 64 * 1024
    static let depthMax = 32
    static let elementsMax = 2_000
    static let attributesMax = 64
    static let nameBytesMax = 256

    private var cursor: XMLCursor
    private var elementCount = 0

    static func read(_ bytes: [UInt8]) throws(XMLFault) -> XMLElement {
        guard bytes.count <= bytesMax else { throw XMLFault("size") }
        var reader = XMLReader(cursor: try XMLCursor(bytes))
        return try reader.document()
    }

    private init(cursor: XMLCursor) { self.cursor = cursor }

    private mutating func document() throws(XMLFault) -> XMLElement {
        try declaration()
        try skipBetween()
        if cursor.isAt("<!") { throw XMLFault("a document type") }
        if cursor.isAt("<?") { throw XMLFault("a processing instruction") }
        guard cursor.skip("<") else { throw XMLFault("no element") }
        let root = try element(within: XMLNamespace.initial, depth: 1)
        try skipBetween()
        guard cursor.isAtEnd else { throw XMLFault("something behind the document") }
        return root
    }

    /// `<?xml version="1.0" encoding="UTF-8"?>`, or nothing.
    private mutating func declaration() throws(XMLFault) {
        guard cursor.skip("<?xml ") else { return }
        guard let text = cursor.take(until: "?>", atMost: 100) else {
            throw XMLFault("declaration")
        }
        let words = String(decoding: text.map { $0 == 0x27 ? 0x22 : $0 }, as: UTF8.self)
            .lowercased().split(whereSeparator: \.isWhitespace)
        let known: [[Substring]] = [
            ["version=\"1.0\""], ["version=\"1.0\"", "encoding=\"utf-8\""],
            ["version=\"1.0\"", "encoding=\"utf-8\"", "standalone=\"yes\""],
            ["version=\"1.0\"", "encoding=\"utf-8\"", "standalone=\"no\""],
        ]
        guard
            known.contains(where: { $0.map { Name(String($0)) } == words.map { Name(String($0)) } })
        else { throw XMLFault("declaration") }
    }

    /// White space and comments, around the root.
    private mutating func skipBetween() throws(XMLFault) {
        repeat { cursor.skipSpace() } while try comment()
    }

    private mutating func comment() throws(XMLFault) -> Bool {
        guard cursor.skip("<!--") else { return false }
        guard cursor.take(until: "--", atMost: Self.bytesMax) != nil, cursor.skip(">") else {
            throw XMLFault("comment")
        }
        return true
    }

    // MARK: Elements

    /// Behind its `<`.
    private mutating func element(
        within outer: [Name: Name], depth: Int
    ) throws(XMLFault) -> XMLElement {
        elementCount += 1
        guard depth <= Self.depthMax, elementCount <= Self.elementsMax else {
            throw XMLFault("too many elements")
        }
        let name = try cursor.name()
        var written: [(name: XMLCursor.QualifiedName, value: String)] = []
        var scope = outer
        var isSpaced = cursor.skipSpace()
        while !cursor.isAt(">"), !cursor.isAt("/>") {
            guard isSpaced, written.count < Self.attributesMax else { throw XMLFault("attribute") }
            let (name, value) = try cursor.attribute()
            written.append((name, value))
            try XMLNamespace.declare(name, value, in: &scope)
            isSpaced = cursor.skipSpace()
        }
        let space = try XMLNamespace.of(name, in: scope, isAttribute: false)
        let attributes = try XMLNamespace.attributes(written, in: scope)
        var element = XMLElement(
            prefix: name.prefix, local: name.local, space: space, attributes: attributes,
            scope: scope, content: [])
        guard !cursor.skip("/>") else { return element }
        _ = cursor.skip(">")
        element.content = try content(of: name, within: scope, depth: depth)
        return element
    }

    private mutating func content(
        of name: XMLCursor.QualifiedName, within scope: [Name: Name], depth: Int
    ) throws(XMLFault) -> [XMLElement.Content] {
        var content: [XMLElement.Content] = []
        while true {
            let text = try cursor.text(until: "<")
            if !text.utf8.isEmpty { content.append(.text(text)) }
            if cursor.skip("</") {
                guard try cursor.name() == name else { throw XMLFault("end tag") }
                cursor.skipSpace()
                guard cursor.skip(">") else { throw XMLFault("end tag") }
                return try unsplit(content, of: name)
            }
            if try comment() {
                content.append(.comment)
            } else if cursor.isAt("<!") {
                throw XMLFault("a declaration or a CDATA section")
            } else if cursor.isAt("<?") {
                throw XMLFault("a processing instruction")
            } else if cursor.skip("<") {
                content.append(.element(try element(within: scope, depth: depth + 1)))
            } else {
                throw XMLFault("an element without an end")
            }
        }
    }

    /// A signature says nothing of comments, so anybody may put one into a name that was signed:
    /// `admin<!-- -->.evil` is one name for us and another for the next reader.
    private func unsplit(
        _ content: [XMLElement.Content], of name: XMLCursor.QualifiedName
    ) throws(XMLFault) -> [XMLElement.Content] {
        var hasComment = false
        var hasText = false
        for piece in content {
            switch piece {
            case .comment: hasComment = true
            case .text(let text): hasText = hasText || text.utf8.contains { $0 > 0x20 }
            case .element: break
            }
        }
        guard !hasComment || !hasText else { throw XMLFault("a comment in `\(name.local)`") }
        return content
    }
}
