package import Enforcement
import JSON

/// A SAML identity provider of a test's own. It writes what it signs by hand, in canonical form.
package struct AssertionMint {
    package static let issuer = "https://idp.example/saml"
    package static let audience = "https://tools.example/mcp"
    package static let recipient = "https://tools.example/token"
    package static let groups = "http://schemas.example/groups"
    package static let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
    package static let dsig = "http://www.w3.org/2000/09/xmldsig#"

    package let mint: TokenMint
    package var clock: ManualClock { mint.clock }

    package init() throws { mint = try TokenMint() }

    package var rules: AssertionRules {
        get throws {
            AssertionRules(
                issuer: IssuerRules(
                    issuer: Self.issuer, audience: "shop", algorithms: [.es256]),
                keys: [try VerificationKey(jwk: mint.jwk(nil))], audience: Self.audience,
                recipient: Self.recipient, groups: Self.groups,
                claims: [("email", "mail"), ("team", "team")])
        }
    }

    package func exchange(_ state: MemoryState, _ change: (inout AssertionRules) -> Void = { _ in })
        throws
        -> AssertionExchange
    {
        var rules = try rules
        change(&rules)
        let clock = clock
        return AssertionExchange([rules], store: state, sink: RecordingSink(), now: { clock.now })
    }

    /// `2026-11-27T10:00:00Z`, so many seconds from now.
    package func time(_ seconds: Int) -> String {
        String(WallClock.text(clock.now + seconds).prefix(19)) + "Z"
    }

    package func conditions(_ inner: String? = nil, from: Int = -60, until: Int = 300) -> String {
        let restriction =
            inner
            ?? "<saml:AudienceRestriction><saml:Audience>\(Self.audience)</saml:Audience></saml:AudienceRestriction>"
        return
            "<saml:Conditions NotBefore=\"\(time(from))\" NotOnOrAfter=\"\(time(until))\">\(restriction)</saml:Conditions>"
    }

    package func confirmation(
        _ method: String = "urn:oasis:names:tc:SAML:2.0:cm:bearer",
        recipient: String = AssertionMint.recipient, until: Int = 300, also: String = ""
    ) -> String {
        "<saml:SubjectConfirmation Method=\"\(method)\"><saml:SubjectConfirmationData\(also) NotOnOrAfter=\"\(time(until))\" Recipient=\"\(recipient)\"></saml:SubjectConfirmationData></saml:SubjectConfirmation>"
    }

    package static let statement =
        "<saml:AttributeStatement><saml:Attribute Name=\"\(groups)\"><saml:AttributeValue>support</saml:AttributeValue><saml:AttributeValue>staff</saml:AttributeValue></saml:Attribute><saml:Attribute Name=\"mail\"><saml:AttributeValue>ada@example.com</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>"

    /// Not signed yet.
    package func assertion(
        id: String = "_a1", version: String = "2.0", issued: Int = -5,
        issuer: String = AssertionMint.issuer, name: String = "ada", confirmation: String? = nil,
        conditions: String? = nil, statement: String = AssertionMint.statement
    ) -> String {
        """
        <saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="\(id)" IssueInstant="\(time(issued))" Version="\(version)"><saml:Issuer>\(issuer)</saml:Issuer><saml:Subject><saml:NameID>\(name)</saml:NameID>\(confirmation ?? self.confirmation())</saml:Subject>\(conditions ?? self.conditions())\(statement)</saml:Assertion>
        """
    }

    /// What a signature is made with; a test changes one part.
    package struct Form {
        package var reference: String?
        package var transforms = [
            AssertionMint.dsig + "enveloped-signature", AssertionMint.exclusive,
        ]
        package var canonicalization = AssertionMint.exclusive
        package var method = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
        package var digestMethod = "http://www.w3.org/2001/04/xmlenc#sha256"
        /// Behind the value of the signature.
        package var tail = ""
        package var digestOf: String?

        package init() {}
    }

    package func signature(of assertion: String, id: String = "_a1", _ form: Form = Form()) throws
        -> String
    {
        let digest = Base64.encode(SHA256.digest(form.digestOf ?? assertion).bytes)
        let transforms = form.transforms.map { "<ds:Transform Algorithm=\"\($0)\"></ds:Transform>" }
        let info = { (space: String) in
            "<ds:SignedInfo\(space)><ds:CanonicalizationMethod Algorithm=\"\(form.canonicalization)\"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\"\(form.method)\"></ds:SignatureMethod><ds:Reference URI=\"\(form.reference ?? "#" + id)\"><ds:Transforms>\(transforms.joined())</ds:Transforms><ds:DigestMethod Algorithm=\"\(form.digestMethod)\"></ds:DigestMethod><ds:DigestValue>\(digest)</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        }
        let value = try mint.key.sign(Array(info(" xmlns:ds=\"\(Self.dsig)\"").utf8))
        return
            "<ds:Signature xmlns:ds=\"\(Self.dsig)\">\(info(""))<ds:SignatureValue>\(Base64.encode(value))</ds:SignatureValue>\(form.tail)</ds:Signature>"
    }

    package static func insert(_ signature: String, into assertion: String) -> String {
        let issuerEnd = "</saml:Issuer>"
        let place = assertion.utf8.firstRange(of: issuerEnd.utf8)!.upperBound
        return assertion[..<place] + signature + assertion[place...]
    }

    package func signed(_ assertion: String, id: String = "_a1", _ form: Form = Form()) throws
        -> String
    {
        Self.insert(try signature(of: assertion, id: id, form), into: assertion)
    }

    package static func text(_ document: String) -> String {
        Base64URL.encode(Array(document.utf8))
    }
}
