import JSON

/// Namespaces in XML 1.0.
enum XMLNamespace {
    static let xml: Name = "http://www.w3.org/XML/1998/namespace"
    private static let xmlns: Name = "http://www.w3.org/2000/xmlns/"
    static let initial: [Name: Name] = ["xml": xml]

    static func isDeclaration(_ name: XMLCursor.QualifiedName) -> Bool {
        name.prefix == "xmlns" || name.prefix == "" && name.local == "xmlns"
    }

    static func declare(
        _ name: XMLCursor.QualifiedName, _ value: String, in scope: inout [Name: Name]
    ) throws(XMLFault) {
        guard isDeclaration(name) else { return }
        let prefix: Name = name.prefix == "" ? "" : name.local
        let space = Name(value)
        // Neither may be bound to anything else, nor anything else to theirs.
        guard prefix != "xml", prefix != "xmlns", space != xml, space != xmlns,
            prefix == "" || !value.utf8.isEmpty
        else { throw XMLFault("namespace") }
        scope[prefix] = space
    }

    static func of(
        _ name: XMLCursor.QualifiedName, in scope: [Name: Name], isAttribute: Bool
    ) throws(XMLFault) -> Name {
        if name.prefix == "" { return isAttribute ? "" : scope[""] ?? "" }
        guard let space = scope[name.prefix] else { throw XMLFault("namespace") }
        return space
    }

    static func attributes(
        _ written: [(name: XMLCursor.QualifiedName, value: String)], in scope: [Name: Name]
    ) throws(XMLFault) -> [XMLElement.Attribute] {
        var attributes: [XMLElement.Attribute] = []
        var seen: Set<[Name]> = []
        for (name, value) in written {
            if isDeclaration(name) {
                guard seen.insert(["xmlns", name.prefix, name.local]).inserted else {
                    throw XMLFault("an attribute twice")
                }
                continue
            }
            let space = try of(name, in: scope, isAttribute: true)
            guard seen.insert([space, name.local]).inserted else {
                throw XMLFault("an attribute twice")
            }
            attributes.append(
                .init(prefix: name.prefix, local: name.local, space: space, value: value))
        }
        return attributes
    }
}
