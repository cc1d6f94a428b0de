import JSON

/// What a signed SAML 2.0 assertion says: whom, for whom, where it may be shown, and until when.
/// Made of the element that was signed and of nothing else.
struct SAMLAssertion {
    static let space: Name = "urn:oasis:names:tc:SAML:2.0:assertion"
    private static let bearer: Name = "urn:oasis:names:tc:SAML:2.0:cm:bearer"

    /// One place where the assertion may be shown, and until when.
    struct Confirmation {
        let recipient: String
        let expires: Int
    }

    let id: String
    let issuer: String
    let issued: Int
    let subject: String
    let confirmations: [Confirmation]
    /// Each of them must hold one that is ours.
    let audiences: [[String]]
    let notBefore: Int?
    /// The earliest end that its conditions or its sessions set.
    let expires: Int?
    let sessionExpires: Int?
    /// In the order in which they stand.
    let attributes: [(name: Name, values: [String])]

    /// The issuer's name, of an assertion of which nothing is believed yet.
    static func claimedIssuer(_ root: XMLElement) throws(XMLFault) -> String {
        guard root.isNamed("Assertion", in: space) else { throw XMLFault("no assertion") }
        return try root.onlyChild("Issuer", in: space).text()
    }

    /// What providers send as well, and is not taken here. A response would have to be believed for
    /// what stands around the signed part; what is encrypted would be one more key to lose, and
    /// hides from nobody but the client, since all of it travels over TLS.
    static func refuseOtherForms(_ root: XMLElement) throws(XMLFault) {
        try root.forEach { (element) throws(XMLFault) in
            let isHidden =
                encrypted.contains { element.isNamed($0, in: space) }
                || element.space == "http://www.w3.org/2001/04/xmlenc#"
            guard isHidden else { return }
            throw XMLFault(
                "encrypted",
                advice:
                    "What is encrypted is not taken here. Have the identity provider send this server signed assertions without encryption."
            )
        }
        guard root.isNamed("Response", in: "urn:oasis:names:tc:SAML:2.0:protocol") else { return }
        throw XMLFault(
            "a whole response",
            advice:
                "Send the `Assertion` of the response alone, as it was signed. Where only the response is signed, have the identity provider sign the assertions."
        )
    }

    private static let encrypted: [Name] = [
        "EncryptedAssertion", "EncryptedAttribute", "EncryptedID",
    ]

    init(signed root: XMLElement) throws(XMLFault) {
        issuer = try Self.claimedIssuer(root)
        guard root["Version"].map({ Name($0) }) == "2.0" else { throw XMLFault("version") }
        guard let id = root["ID"], (1...256).contains(id.utf8.count) else { throw XMLFault("id") }
        self.id = id
        guard let issued = try Self.moment("IssueInstant", of: root) else {
            throw XMLFault("time of issue")
        }
        self.issued = issued
        let person = try root.onlyChild("Subject", in: Self.space)
        subject = try person.onlyChild("NameID", in: Self.space).text()
        confirmations = try Self.confirmations(of: person)
        let conditions = try root.onlyChild("Conditions", in: Self.space)
        audiences = try Self.audiences(conditions)
        notBefore = try Self.moment("NotBefore", of: conditions)
        expires = try Self.moment("NotOnOrAfter", of: conditions)
        var ends: [Int] = []
        for statement in root.children("AuthnStatement", in: Self.space) {
            if let end = try Self.moment("SessionNotOnOrAfter", of: statement) { ends.append(end) }
        }
        sessionExpires = ends.min()
        attributes = try Self.attributes(of: root)
    }

    /// Those for whoever bears it. One that needs more proof than we ask for is no confirmation.
    private static func confirmations(
        of subject: XMLElement
    ) throws(XMLFault) -> [Confirmation] {
        var confirmations: [Confirmation] = []
        for confirmation in subject.children("SubjectConfirmation", in: space)
        where Name(confirmation["Method"] ?? "") == bearer {
            let data = try confirmation.onlyChild("SubjectConfirmationData", in: space)
            // SAML profiles 4.1.4.2: it has an end and no beginning.
            guard let recipient = data["Recipient"], data["NotBefore"] == nil,
                let expires = try moment("NotOnOrAfter", of: data)
            else { throw XMLFault("confirmation") }
            confirmations.append(Confirmation(recipient: recipient, expires: expires))
        }
        return confirmations
    }

    private static func audiences(_ conditions: XMLElement) throws(XMLFault) -> [[String]] {
        var audiences: [[String]] = []
        for condition in conditions.children {
            if condition.isNamed("AudienceRestriction", in: space) {
                var named: [String] = []
                for audience in condition.children("Audience", in: space) {
                    named.append(try audience.text())
                }
                audiences.append(named)
            } else if !condition.isNamed("OneTimeUse", in: space),
                !condition.isNamed("ProxyRestriction", in: space)
            {
                // SAML core 2.5.1: what is not understood cannot be found to hold.
                throw XMLFault("a condition that is not known")
            }
        }
        return audiences
    }

    private static func attributes(
        of root: XMLElement
    ) throws(XMLFault) -> [(name: Name, values: [String])] {
        var attributes: [(name: Name, values: [String])] = []
        for statement in root.children("AttributeStatement", in: space) {
            for attribute in statement.children("Attribute", in: space) {
                guard let name = attribute["Name"] else { throw XMLFault("attribute") }
                var values: [String] = []
                for value in attribute.children("AttributeValue", in: space) {
                    values.append(try value.text())
                }
                attributes.append((Name(name), values))
            }
        }
        return attributes
    }

    /// SAML core 1.3.3: in UTC. Parts of a second are left out.
    private static func moment(_ name: Name, of element: XMLElement) throws(XMLFault) -> Int? {
        guard let text = element[name] else { return nil }
        var whole = text
        if let dot = text.utf8.firstIndex(of: UInt8(ascii: ".")) {
            let parts = text.utf8[dot...].dropFirst().dropLast()
            guard !parts.isEmpty, parts.allSatisfy({ (0x30...0x39).contains($0) }) else {
                throw XMLFault("time")
            }
            whole = String(text[..<dot]) + "Z"
        }
        guard text.utf8.last == UInt8(ascii: "Z"), let moment = WallClock.moment(whole) else {
            throw XMLFault("time")
        }
        return moment
    }
}
