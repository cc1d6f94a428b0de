import JSON
import TestSupport
import Testing

@testable import Enforcement

/// Each case names the check that stops it: without that check another one answers, or none, and
/// the test fails.
@Suite struct AssertionAttackTests {
    let idp: AssertionMint
    let good: String
    let signature: String
    let bare: String
    let evil: String

    init() throws {
        idp = try AssertionMint()
        bare = idp.assertion()
        signature = try idp.signature(of: bare)
        good = AssertionMint.insert(signature, into: bare)
        evil = idp.assertion(id: "_evil", name: "root")
    }

    private func fault(_ document: String) async throws -> String? {
        let exchange = try idp.exchange(MemoryState())
        do throws(Refusal) {
            let made = try await exchange.exchange(
                AssertionMint.text(document), at: "127.0.0.1")
            #expect(made.caller.subject == "ada", "somebody else was let in")
            return nil
        } catch { return error.noted?.replacingFirst("assertion: ", with: "") }
    }

    private func response(_ inner: String) -> String {
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_r\">\(inner)</samlp:Response>"
    }

    private func inside(_ assertion: String, _ inner: String) -> String {
        AssertionMint.insert(inner, into: assertion)
    }

    private func atEnd(of assertion: String, _ inner: String) -> String {
        assertion.replacingFirst("</saml:Assertion>", with: inner + "</saml:Assertion>")
    }

    private func holding(_ inner: String) -> String {
        signature.replacingFirst("</ds:Signature>", with: inner + "</ds:Signature>")
    }

    private func object(_ inner: String) -> String { "<ds:Object>\(inner)</ds:Object>" }

    @Test func theAssertionItselfIsGood() async throws {
        #expect(try await fault(good) == nil)
    }

    /// The eight ways of Somorovsky and others ("On Breaking SAML", 2012), as they were published:
    /// around a response, of which nothing is taken here.
    @Test func noSignatureIsWrappedInAResponse() async throws {
        let forms = [
            response(evil + holding(object(response(good)))),
            response(response(good) + signature + evil),
            response(evil + good), response(atEnd(of: evil, good)),
            response(inside(evil, signature) + bare), response(inside(evil, holding(bare))),
            response("<samlp:Extensions>\(evil)</samlp:Extensions>" + good),
            response(inside(evil, holding(object(bare)))),
        ]
        for (index, form) in forms.enumerated() {
            #expect(try await fault(form) == "a whole response", "form \(index + 1)")
        }
    }

    /// The same with an assertion around them, where each has a check of its own.
    @Test func noSignatureIsWrappedInAnAssertion() async throws {
        let advice = { (inner: String) in "<saml:Advice>\(inner)</saml:Advice>" }
        let forms: [(String, String)] = [
            (inside(evil, holding(object(advice("")))), "another thing in the signature"),
            (atEnd(of: evil, advice(good)), "a signature elsewhere"),
            (atEnd(of: evil, good), "a signature elsewhere"),
            (inside(evil, good), "a signature elsewhere"),
            (atEnd(of: inside(evil, signature), bare), "one `Assertion` in another"),
            (inside(evil, holding(bare)), "one `Assertion` in another"),
            (inside(bare, holding(advice(evil))), "one `Assertion` in another"),
            (inside(evil, holding(object(bare))), "one `Assertion` in another"),
        ]
        for (index, (form, reason)) in forms.enumerated() {
            #expect(try await fault(form) == reason, "form \(index + 1)")
        }
    }

    @Test func aSignatureCountsForItsElementAlone() async throws {
        // The evil one with the signature of the good one.
        #expect(
            try await fault(inside(evil, signature)) == "a reference to another element")
        // The same under the good one's id.
        let same = idp.assertion(name: "root")
        #expect(try await fault(inside(same, signature)) == "digest")
        // Somebody else's reference to the whole document.
        var whole = AssertionMint.Form()
        whole.reference = ""
        #expect(
            try await fault(try idp.signed(bare, whole)) == "a reference to another element")
        let twice = atEnd(of: good, "<saml:Advice ID=\"_a1\"></saml:Advice>")
        #expect(try await fault(twice) == "an id twice")
        #expect(try await fault(inside(good, signature)) == "more than one signature")
        #expect(try await fault(bare) == "not signed")
        let moved = atEnd(of: bare, "<saml:Advice>\(signature)</saml:Advice>")
        #expect(try await fault(moved) == "a signature elsewhere")
    }

    @Test func anotherKeyDoesNotSignForTheProvider() async throws {
        let other = try AssertionMint()
        let forged = try other.signed(bare)
        #expect(try await fault(forged) == "signature")
        // Nor one that the signature brings along.
        let brought = forged.replacingFirst(
            "</ds:Signature>",
            with: "<ds:KeyInfo><ds:KeyValue>mine</ds:KeyValue></ds:KeyInfo></ds:Signature>")
        #expect(try await fault(brought) == "signature")
    }

    @Test func onlyTheNamedAlgorithmsAreTaken() async throws {
        let changes: [(String, (inout AssertionMint.Form) -> Void)] = [
            ("signature algorithm", { $0.method = "http://www.w3.org/2000/09/xmldsig#rsa-sha1" }),
            ("signature algorithm", { $0.method = "http://www.w3.org/2000/09/xmldsig#hmac-sha1" }),
            (
                "signature algorithm",
                { $0.method = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256" }
            ),
            ("signature algorithm", { $0.method = "" }),
            ("digest algorithm", { $0.digestMethod = "http://www.w3.org/2000/09/xmldsig#sha1" }),
            ("transforms", { $0.transforms = [ExclusiveCanonicalXML.algorithm.text] }),
            ("transforms", { $0.transforms.reverse() }),
            ("transforms", { $0.transforms.append("http://www.w3.org/TR/1999/REC-xslt-19991116") }),
            (
                "canonicalization",
                { $0.transforms[1] = "http://www.w3.org/TR/1999/REC-xslt-19991116" }
            ),
            (
                "canonicalization",
                { $0.transforms[1] = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments" }
            ),
            (
                "signature",
                { $0.canonicalization = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315" }
            ),
            // Made by P-256, said to be of RSA.
            ("signature", { $0.method = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" }),
        ]
        for (reason, change) in changes {
            var form = AssertionMint.Form()
            change(&form)
            #expect(try await fault(try idp.signed(bare, form)) == reason, "\(form)")
        }
    }

    /// A signature says nothing of comments: whoever puts one into a signed name must not be
    /// somebody else for it.
    @Test func aCommentInANameIsRefused() async throws {
        let longer = try idp.signed(idp.assertion(name: "ada.evil"))
        let cut = longer.replacingFirst("ada.evil", with: "ada<!-- x -->.evil")
        #expect(try await fault(cut) == "a comment in `NameID`")
        let issuer = good.replacingFirst(
            AssertionMint.issuer + "</", with: "https://idp.example<!-- -->/saml</")
        #expect(try await fault(issuer) == "a comment in `Issuer`")
        let group = good.replacingFirst("support</", with: "sup<!---->port</")
        #expect(try await fault(group) == "a comment in `AttributeValue`")
        // Between elements it says nothing to anybody.
        #expect(try await fault(atEnd(of: good, "<!-- seen by a proxy -->")) == nil)
    }

    @Test func whatMayMeanAnythingIsNotRead() async throws {
        let declared = "<!DOCTYPE a [<!ENTITY e \"root\">]>" + good
        #expect(try await fault(declared) == "a document type")
        #expect(
            try await fault("<?xml-stylesheet href=\"a\"?>" + good) == "a processing instruction")
        #expect(
            try await fault(inside(good, "<?pi?>")) == "a processing instruction")
        let entity = good.replacingFirst(">ada<", with: ">&ada;<")
        #expect(try await fault(entity) == "entity")
        let section = good.replacingFirst(">ada<", with: "><![CDATA[ada]]><")
        #expect(try await fault(section) == "a declaration or a CDATA section")
        #expect(try await fault(good + "<a/>") == "something behind the document")
        #expect(try await fault("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + good) == nil)
        #expect(
            try await fault("<?xml version=\"1.0\" encoding=\"UTF-7\"?>" + good) == "declaration")
    }

    @Test func anElementInANameIsRefused() async throws {
        let name = "ada<saml:b xmlns:saml=\"urn:x\"></saml:b>"
        #expect(
            try await fault(try idp.signed(idp.assertion(name: name)))
                == "an element in `NameID`")
    }
}
