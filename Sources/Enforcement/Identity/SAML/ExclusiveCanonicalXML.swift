import JSON

/// The bytes of an element that are signed: Exclusive XML Canonicalization 1.0, without comments.
struct ExclusiveCanonicalXML {
    static let algorithm: Name = "http://www.w3.org/2001/10/xml-exc-c14n#"

    private(set) var bytes: [UInt8] = []
    private let inclusive: Set<Name>

    /// `inclusive`: prefixes that are written wherever they are in scope; empty is the default one.
    static func bytes(of element: XMLElement, inclusive: Set<Name> = []) -> [UInt8] {
        var form = ExclusiveCanonicalXML(inclusive: inclusive)
        form.write(element, rendered: [:])
        return form.bytes
    }

    private init(inclusive: Set<Name>) { self.inclusive = inclusive }

    /// `rendered`: the namespaces that the elements around it have written.
    private mutating func write(_ element: XMLElement, rendered: [Name: Name]) {
        let tag = element.prefix == "" ? element.local.text : "\(element.prefix):\(element.local)"
        bytes.append(UInt8(ascii: "<"))
        bytes += tag.utf8
        var rendered = rendered
        for prefix in prefixes(of: element).sorted() {
            let space = element.scope[prefix] ?? ""
            guard (rendered[prefix] ?? "") != space else { continue }
            rendered[prefix] = space
            writeAttribute(prefix == "" ? "xmlns" : "xmlns:\(prefix)", space.text)
        }
        let attributes = element.attributes.sorted {
            $0.space == $1.space ? $0.local < $1.local : $0.space < $1.space
        }
        for attribute in attributes {
            let name = attribute.local.text
            writeAttribute(
                attribute.prefix == "" ? name : "\(attribute.prefix):\(name)", attribute.value)
        }
        bytes.append(UInt8(ascii: ">"))
        for piece in element.content {
            switch piece {
            case .element(let child): write(child, rendered: rendered)
            case .text(let text): writeText(text)
            case .comment: break
            }
        }
        bytes += "</\(tag)>".utf8
    }

    /// Those that the element itself uses, and those that are asked for.
    private func prefixes(of element: XMLElement) -> Set<Name> {
        var prefixes: Set<Name> = [element.prefix]
        for attribute in element.attributes where attribute.prefix != "" {
            prefixes.insert(attribute.prefix)
        }
        prefixes.formUnion(inclusive.filter { element.scope[$0] != nil })
        prefixes.remove("xml")
        return prefixes
    }

    private mutating func writeAttribute(_ name: String, _ value: String) {
        bytes += " \(name)=\"".utf8
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "&"): bytes += "&amp;".utf8
            case UInt8(ascii: "<"): bytes += "&lt;".utf8
            case UInt8(ascii: "\""): bytes += "&quot;".utf8
            case 0x09: bytes += "&#x9;".utf8
            case 0x0A: bytes += "&#xA;".utf8
            case 0x0D: bytes += "&#xD;".utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func writeText(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): bytes += "&amp;".utf8
            case UInt8(ascii: "<"): bytes += "&lt;".utf8
            case UInt8(ascii: ">"): bytes += "&gt;".utf8
            case 0x0D: bytes += "&#xD;".utf8
            default: bytes.append(byte)
            }
        }
    }
}
