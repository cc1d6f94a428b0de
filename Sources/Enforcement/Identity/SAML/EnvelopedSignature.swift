import JSON

/// The signature of an element over itself (XML Signature, enveloped).
///
/// What it gives back is read anew from the very bytes that were signed: whatever else stood in the
/// document is gone, so that nothing which nobody signed can be read by mistake. The ways to wrap
/// a signed element into another one are refused by name all the same, for the record.
struct EnvelopedSignature {
    static let space: Name = "http://www.w3.org/2000/09/xmldsig#"
    private static let enveloped: Name = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"

    private let signedInfo: XMLElement
    private let value: [UInt8]
    private let algorithm: SignatureAlgorithm

    /// `root` as it was signed, without its signature.
    static func signed(
        _ root: XMLElement, by keys: [VerificationKey]
    ) throws(XMLFault) -> XMLElement {
        let signature = try EnvelopedSignature(of: root)
        let bytes = try signature.signedBytes(of: root)
        guard signature.isMade(by: keys) else { throw XMLFault("signature") }
        return try XMLReader.read(bytes)
    }

    /// The one in the document, and that where it belongs.
    private init(of root: XMLElement) throws(XMLFault) {
        var signatureCount = 0
        var sameCount = 0
        var ids: Set<Name> = []
        try root.forEach { (element) throws(XMLFault) in
            if element.isNamed("Signature", in: Self.space) { signatureCount += 1 }
            if element.isNamed(root.local, in: root.space) { sameCount += 1 }
            for attribute in element.attributes where attribute.local.isID {
                guard ids.insert(Name(attribute.value)).inserted else {
                    throw XMLFault("an id twice")
                }
            }
        }
        guard signatureCount > 0 else { throw XMLFault("not signed") }
        guard signatureCount == 1 else { throw XMLFault("more than one signature") }
        guard let signature = root.children("Signature", in: Self.space).first else {
            throw XMLFault("a signature elsewhere")
        }
        guard sameCount == 1 else { throw XMLFault("one `\(root.local)` in another") }
        let parts = signature.children.map { $0.space == Self.space ? $0.local : "" }
        guard
            parts == ["SignedInfo", "SignatureValue"]
                || parts == ["SignedInfo", "SignatureValue", "KeyInfo"]
        else { throw XMLFault("another thing in the signature") }
        signedInfo = signature.children[0]
        value = try Self.base64(signature.children[1])
        let method = try signedInfo.onlyChild("SignatureMethod", in: Self.space)
        // The keys of `KeyInfo` are never read: whoever signs would choose them.
        guard let algorithm = Self.algorithms[Name(method["Algorithm"] ?? "")] else {
            throw XMLFault("signature algorithm")
        }
        self.algorithm = algorithm
    }

    /// After their digest was found to be the one in the reference.
    private func signedBytes(of root: XMLElement) throws(XMLFault) -> [UInt8] {
        let reference = try signedInfo.onlyChild("Reference", in: Self.space)
        guard let id = root["ID"], !id.utf8.isEmpty, let target = reference["URI"],
            target.isByteEqual(to: "#\(id)")
        else { throw XMLFault("a reference to another element") }
        let transforms = try reference.onlyChild("Transforms", in: Self.space)
            .children("Transform", in: Self.space)
        guard transforms.count == 2,
            transforms[0]["Algorithm"].map({ Name($0) }) == Self.enveloped
        else { throw XMLFault("transforms") }
        var bare = root
        bare.content.removeAll {
            if case .element(let child) = $0 {
                child.isNamed("Signature", in: Self.space)
            } else {
                false
            }
        }
        let bytes = ExclusiveCanonicalXML.bytes(
            of: bare, inclusive: try Self.inclusive(transforms[1]))
        let method = try reference.onlyChild("DigestMethod", in: Self.space)
        guard let digest = Self.digests[Name(method["Algorithm"] ?? "")] else {
            throw XMLFault("digest algorithm")
        }
        let written = try Self.base64(reference.onlyChild("DigestValue", in: Self.space))
        guard let digest = MessageDigest.of(bytes, by: digest), digest == written else {
            throw XMLFault("digest")
        }
        return bytes
    }

    private func isMade(by keys: [VerificationKey]) -> Bool {
        guard let method = try? signedInfo.onlyChild("CanonicalizationMethod", in: Self.space),
            let inclusive = try? Self.inclusive(method)
        else { return false }
        let bytes = ExclusiveCanonicalXML.bytes(of: signedInfo, inclusive: inclusive)
        return keys.contains { $0.isValid(value, for: bytes, by: algorithm) }
    }

    /// The prefixes that an exclusive canonicalization writes all the same.
    private static func inclusive(_ method: XMLElement) throws(XMLFault) -> Set<Name> {
        guard Name(method["Algorithm"] ?? "") == ExclusiveCanonicalXML.algorithm else {
            throw XMLFault("canonicalization")
        }
        let lists = method.children
        guard let list = lists.first else { return [] }
        guard lists.count == 1,
            list.isNamed("InclusiveNamespaces", in: ExclusiveCanonicalXML.algorithm)
        else { throw XMLFault("canonicalization") }
        let words = (list["PrefixList"] ?? "").split(separator: " ")
        return Set(words.map { $0.elementsEqual("#default") ? "" : Name(String($0)) })
    }

    private static func base64(_ element: XMLElement) throws(XMLFault) -> [UInt8] {
        let text = try element.text().utf8.filter { $0 != 0x20 && $0 != 0x0A && $0 != 0x09 }
        guard let bytes = Base64.decode(text[...]) else {
            throw XMLFault("encoding of a signature")
        }
        return bytes
    }

    /// RFC 9231; none with SHA-1, and none with a shared secret.
    private static let algorithms: [Name: SignatureAlgorithm] = [
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256": .rs256,
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384": .rs384,
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512": .rs512,
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256": .es256,
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384": .es384,
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512": .es512,
    ]

    private static let digests: [Name: MessageDigest.Kind] = [
        "http://www.w3.org/2001/04/xmlenc#sha256": .sha256,
        "http://www.w3.org/2001/04/xmldsig-more#sha384": .sha384,
        "http://www.w3.org/2001/04/xmlenc#sha512": .sha512,
    ]
}

extension Name {
    /// `ID`, `Id`, `id`, `xml:id`: whatever some reader takes for the name of an element.
    fileprivate var isID: Bool { self == "ID" || self == "Id" || self == "id" || self == "iD" }
}
