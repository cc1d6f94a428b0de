import JSON

/// One element of a document that was read whole.
struct XMLElement {
    enum Content {
        case element(XMLElement)
        case text(String)
        /// Not part of what is signed; it is kept so that it can split no value unseen.
        case comment
    }

    struct Attribute {
        let prefix: Name
        let local: Name
        /// Empty without a prefix.
        let space: Name
        let value: String
    }

    let prefix: Name
    let local: Name
    let space: Name
    let attributes: [Attribute]
    /// The namespaces in scope by their prefix; the empty prefix is the default one.
    let scope: [Name: Name]
    var content: [Content]

    func isNamed(_ local: Name, in space: Name) -> Bool {
        self.local == local && self.space == space
    }

    /// Of an attribute in no namespace.
    subscript(_ name: Name) -> String? {
        attributes.first { $0.local == name && $0.space == "" }?.value
    }

    var children: [XMLElement] {
        content.compactMap { if case .element(let element) = $0 { element } else { nil } }
    }

    func children(_ local: Name, in space: Name) -> [XMLElement] {
        children.filter { $0.isNamed(local, in: space) }
    }

    func onlyChild(_ local: Name, in space: Name) throws(XMLFault) -> XMLElement {
        let found = children(local, in: space)
        guard found.count == 1 else { throw XMLFault("not one `\(local)`") }
        return found[0]
    }

    /// The value of an element that holds text alone.
    func text() throws(XMLFault) -> String {
        var text = ""
        for piece in content {
            switch piece {
            case .text(let part): text += part
            case .comment: throw XMLFault("a comment in `\(local)`")
            case .element: throw XMLFault("an element in `\(local)`")
            }
        }
        return text
    }

    /// This element and all below it.
    func forEach<Failure: Error>(
        _ body: (XMLElement) throws(Failure) -> Void
    ) throws(Failure) {
        try body(self)
        for child in children { try child.forEach(body) }
    }
}

/// Why a document is not read, or not believed. Holds nothing of its values.
struct XMLFault: Error {
    let reason: String
    /// What to do about it, where only the form of the document is at fault: whoever sent it has
    /// seen that.
    let advice: String?

    init(_ reason: String, advice: String? = nil) {
        self.reason = reason
        self.advice = advice
    }
}
