import JSON
import TestSupport

@testable import Enforcement

/// A SAML identity provider of a test's own. It writes what it signs by hand, in canonical form.
struct AssertionMint {
    static let issuer = "https://idp.example/saml"
    static let audience = "https://tools.example/mcp"
    static let recipient = "https://tools.example/token"
    static let groups = "http://schemas.example/groups"
    static let dsig = "http://www.w3.org/2000/09/xmldsig#"

    let mint: TokenMint
    var clock: ManualClock { mint.clock }

    init() throws { mint = try TokenMint() }

    var rules: AssertionRules {
        get throws {
            AssertionRules(
                issuer: IssuerRules(
                    issuer: Self.issuer, audience: "shop", algorithms: [.es256]),
                keys: [try VerificationKey(jwk: mint.jwk(nil))], audience: Self.audience,
                recipient: Self.recipient, groups: Self.groups,
                claims: [("email", "mail"), ("team", "team")])
        }
    }

    func exchange(_ state: MemoryState, _ change: (inout AssertionRules) -> Void = { _ in }) throws
        -> AssertionExchange
    {
        var rules = try rules
        change(&rules)
        let clock = clock
        return AssertionExchange([rules], store: state, sink: RecordingSink(), now: { clock.now })
    }

    /// `2026-11-27T10:00:00Z`, so many seconds from now.
    func time(_ seconds: Int) -> String {
        String(WallClock.text(clock.now + seconds).prefix(19)) + "Z"
    }

    func conditions(_ inner: String? = nil, from: Int = -60, until: Int = 300) -> String {
        let restriction =
            inner
            ?? "<saml:AudienceRestriction><saml:Audience>\(Self.audience)</saml:Audience></saml:AudienceRestriction>"
        return
            "<saml:Conditions NotBefore=\"\(time(from))\" NotOnOrAfter=\"\(time(until))\">\(restriction)</saml:Conditions>"
    }

    func confirmation(
        _ method: String = "urn:oasis:names:tc:SAML:2.0:cm:bearer",
        recipient: String = AssertionMint.recipient, until: Int = 300, also: String = ""
    ) -> String {
        "<saml:SubjectConfirmation Method=\"\(method)\"><saml:SubjectConfirmationData\(also) NotOnOrAfter=\"\(time(until))\" Recipient=\"\(recipient)\"></saml:SubjectConfirmationData></saml:SubjectConfirmation>"
    }

    static let statement =
        "<saml:AttributeStatement><saml:Attribute Name=\"\(groups)\"><saml:AttributeValue>support</saml:AttributeValue><saml:AttributeValue>staff</saml:AttributeValue></saml:Attribute><saml:Attribute Name=\"mail\"><saml:AttributeValue>ada@example.com</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>"

    /// Not signed yet.
    func assertion(
        id: String = "_a1", version: String = "2.0", issued: Int = -5,
        issuer: String = AssertionMint.issuer, name: String = "ada", confirmation: String? = nil,
        conditions: String? = nil, statement: String = AssertionMint.statement
    ) -> String {
        """
        <saml:Assertion xmlns:saml="\(SAMLAssertion.space)" ID="\(id)" IssueInstant="\(time(issued))" Version="\(version)"><saml:Issuer>\(issuer)</saml:Issuer><saml:Subject><saml:NameID>\(name)</saml:NameID>\(confirmation ?? self.confirmation())</saml:Subject>\(conditions ?? self.conditions())\(statement)</saml:Assertion>
        """
    }

    /// What a signature is made with; a test changes one part.
    struct Form {
        var reference: String?
        var transforms = [dsig + "enveloped-signature", ExclusiveCanonicalXML.algorithm.text]
        var canonicalization = ExclusiveCanonicalXML.algorithm.text
        var method = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
        var digestMethod = "http://www.w3.org/2001/04/xmlenc#sha256"
        /// Behind the value of the signature.
        var tail = ""
        var digestOf: String?
    }

    func signature(of assertion: String, id: String = "_a1", _ form: Form = Form()) throws -> String
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

    static func insert(_ signature: String, into assertion: String) -> String {
        let issuerEnd = "</saml:Issuer>"
        let place = assertion.utf8.firstRange(of: issuerEnd.utf8)!.upperBound
        return assertion[..<place] + signature + assertion[place...]
    }

    func signed(_ assertion: String, id: String = "_a1", _ form: Form = Form()) throws -> String {
        Self.insert(try signature(of: assertion, id: id, form), into: assertion)
    }

    static func text(_ document: String) -> String { Base64URL.encode(Array(document.utf8)) }
}
