import JSON
import TestSupport
import Testing

@testable import Enforcement

/// Signed assertions as providers write them, and as attackers would: each row says what becomes of
/// it, and every assertion is of another id.
@Suite struct AssertionCaseTests {
    let idp: AssertionMint

    init() throws { idp = try AssertionMint() }

    /// Good where nil, and then of `ada`.
    private func fault(
        _ document: String, _ change: (inout AssertionRules) -> Void = { _ in }
    ) async throws -> String? {
        let exchange = try idp.exchange(MemoryState(), change)
        do throws(Refusal) {
            let made = try await exchange.exchange(AssertionMint.text(document), at: "127.0.0.1")
            #expect(made.caller.subject == "ada", "somebody else was let in")
            return nil
        } catch { return error.noted?.replacingFirst("assertion: ", with: "") }
    }

    private func restriction(_ audiences: String...) -> String {
        let named = audiences.map { "<saml:Audience>\($0)</saml:Audience>" }.joined()
        return "<saml:AudienceRestriction>\(named)</saml:AudienceRestriction>"
    }

    @Test func audiencesNameUsToTheByteInEachRestriction() async throws {
        let ours = AssertionMint.audience
        let cases: [(String, String?)] = [
            (restriction(ours), nil), (restriction("https://other.example", ours), nil),
            (restriction(ours) + restriction(ours), nil), ("", "audience"),
            (restriction(), "audience"), (restriction(""), "audience"),
            (restriction("https://other.example"), "audience"),
            (restriction(ours) + restriction("https://other.example"), "audience"),
            (restriction(ours) + restriction(), "audience"), (restriction(ours + "/"), "audience"),
            (restriction(" " + ours), "audience"), (restriction(ours + "\n"), "audience"),
            (restriction(ours.uppercased()), "audience"),
            (restriction(ours) + "<saml:OneTimeUse></saml:OneTimeUse>", nil),
            (
                restriction(ours) + "<saml:Condition></saml:Condition>",
                "a condition that is not known"
            ),
            (
                restriction(ours) + "<x:Own xmlns:x=\"urn:x\"></x:Own>",
                "a condition that is not known"
            ),
        ]
        for (inner, reason) in cases {
            let bare = idp.assertion(conditions: idp.conditions(inner))
            #expect(try await fault(idp.signed(bare)) == reason, "\(inner)")
        }
    }

    @Test func itIsShownHereAndNow() async throws {
        let bearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
        let here = AssertionMint.recipient
        let cases: [(String, String?)] = [
            ("", "recipient"), (idp.confirmation(recipient: here + "/"), "recipient"),
            (idp.confirmation(recipient: here + "?x"), "recipient"),
            (idp.confirmation(recipient: here.uppercased()), "recipient"),
            (idp.confirmation(recipient: ""), "recipient"),
            (idp.confirmation("urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"), "recipient"),
            (idp.confirmation("urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"), "recipient"),
            (idp.confirmation(bearer + " "), "recipient"),
            (idp.confirmation(bearer.uppercased()), "recipient"),
            (idp.confirmation(until: -60), "expired"), (idp.confirmation(until: -59), nil),
            (idp.confirmation(until: 3_660), nil), (idp.confirmation(until: 3_661), "lifetime"),
            (idp.confirmation(also: " NotBefore=\"\(idp.time(-60))\""), "confirmation"),
            (idp.confirmation("urn:x") + idp.confirmation(), nil),
            (idp.confirmation(until: -100) + idp.confirmation(), nil),
            (idp.confirmation(until: 9_000) + idp.confirmation(), "lifetime"),
        ]
        for (confirmation, reason) in cases {
            let bare = idp.assertion(confirmation: confirmation)
            #expect(try await fault(idp.signed(bare)) == reason, "\(confirmation)")
        }
    }

    @Test func timesAreOfUTCAndHold() async throws {
        let cases: [(Int, Int, Int, String?)] = [
            (-5, -60, 300, nil), (60, -60, 300, nil), (61, -60, 300, "issued in the future"),
            (-5, 60, 300, nil), (-5, 61, 300, "not valid yet"), (-5, -60, -59, nil),
            (-5, -60, -60, "expired"), (-100_000, -60, 300, nil),
        ]
        for (issued, from, until, reason) in cases {
            let bare = idp.assertion(
                issued: issued, conditions: idp.conditions(from: from, until: until))
            #expect(try await fault(idp.signed(bare)) == reason, "\(issued) \(from) \(until)")
        }
        let end = idp.time(300)
        let spelt: [(String, Bool)] = [
            (end, true), (end.dropLast() + ".5Z", true), (end.dropLast() + ".123456789Z", true),
            (String(end.dropLast()), false), (end.dropLast() + "+00:00", false),
            (end.dropLast() + "z", false), (end.dropLast() + ".Z", false),
            (end.dropLast() + ".5", false), (end.dropLast() + ",5Z", false),
            (end.replacingFirst("T", with: " "), false), (end + " ", false), ("", false),
            ("2026-02-30T10:00:00Z", false), ("2026-13-01T10:00:00Z", false),
            ("2026-11-27T24:00:00Z", false), ("2026-11-27", false),
            ("-2026-11-27T10:00:00Z", false),
        ]
        for (text, isGood) in spelt {
            let conditions = idp.conditions().replacingFirst(
                "NotOnOrAfter=\"\(end)\"", with: "NotOnOrAfter=\"\(text)\"")
            let fault = try await fault(idp.signed(idp.assertion(conditions: conditions)))
            #expect((fault == nil) == isGood, "\(text) \(fault ?? "good")")
        }
    }

    @Test func eachPartIsThereOnceAndSaysWho() async throws {
        let good = idp.assertion()
        let again = { (element: String) in "<saml:\(element)></saml:\(element)>" }
        let changes: [(String, String, String)] = [
            ("<saml:NameID>ada</saml:NameID>", "", "not one `NameID`"),
            ("<saml:NameID>ada</saml:NameID>", again("BaseID"), "not one `NameID`"),
            ("</saml:NameID>", "</saml:NameID><saml:NameID>root</saml:NameID>", "not one `NameID`"),
            (
                "</saml:Subject>", "</saml:Subject><saml:Subject></saml:Subject>",
                "not one `Subject`"
            ),
            (
                "</saml:Conditions>", "</saml:Conditions>" + again("Conditions"),
                "not one `Conditions`"
            ),
            ("<saml:Subject>", "<saml:Issuer>x</saml:Issuer><saml:Subject>", "not one `Issuer`"),
            (" Version=\"2.0\"", " Version=\"1.1\"", "version"),
            (" Version=\"2.0\"", "", "version"),
            (">ada<", "> ada<", "token: subject"), (">ada<", ">ada\u{200B}<", "token: subject"),
            (">ada<", "><", "token: subject"), (">ada<", ">ada\u{2028}<", "token: subject"),
            ("<saml:Attribute Name=\"mail\">", "<saml:Attribute Nam=\"mail\">", "attribute"),
            (
                "support</saml:AttributeValue>", "<x>support</x></saml:AttributeValue>",
                "an element in `AttributeValue`"
            ),
        ]
        for (old, new, reason) in changes {
            #expect(good.contains(old))
            let bare = good.replacingFirst(old, with: new)
            #expect(try await fault(idp.signed(bare)) == reason, "\(new)")
        }
        let issuers = [
            "https://idp.example/saml/", "https://IDP.example/saml", "",
            " https://idp.example/saml",
        ]
        for issuer in issuers {
            #expect(try await fault(idp.signed(idp.assertion(issuer: issuer))) == "issuer")
        }
        for id in ["", String(repeating: "a", count: 257)] {
            #expect(try await fault(idp.signed(idp.assertion(id: id), id: id)) != nil, "\(id)")
        }
    }

    /// What a signature leaves open may be written in any way, and what it says in no other.
    @Test func theSameBytesAreSignedHoweverTheyAreWritten() async throws {
        let good = try idp.signed(idp.assertion())
        let same: [(String, String)] = [
            ("<saml:Assertion ", "<saml:Assertion\n  "), (" Version=\"2.0\"", " Version='2.0'"),
            (" Version=\"2.0\">", "  Version=\"2.0\" >"),
            ("</saml:Assertion>", "</saml:Assertion >\n"),
            ("</saml:Subject>", "</saml:Subject><!-- between -->"), (">ada<", ">&#97;d&#x61;<"),
            ("ID=\"_a1\"", "ID=\"&#95;a1\""),
            ("<saml:Assertion ", "<saml:Assertion xmlns:x=\"urn:unused\" "),
            ("<saml:Assertion ", "<?xml version=\"1.0\"?>\n<!-- c --><saml:Assertion "),
            ("<ds:SignatureValue>", "<ds:SignatureValue>\n  "),
            ("<ds:SignedInfo>", "\n<ds:SignedInfo>"),
        ]
        for (old, new) in same {
            #expect(good.contains(old))
            #expect(try await fault(good.replacingFirst(old, with: new)) == nil, "\(new)")
        }
        let other: [(String, String, String)] = [
            (">ada<", ">ada <", "digest"), (">ada<", ">Ada<", "digest"),
            (">ada<", ">a\u{301}da<", "digest"),
            ("</saml:Issuer>", "</saml:Issuer>\n", "digest"),
            (" Version=\"2.0\"", " Version=\"2.0\" x=\"\"", "digest"),
            ("<saml:Assertion ", "<saml:Assertion xml:lang=\"en\" ", "digest"),
            (
                "xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
                "xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertio&#110; \"", "no assertion"
            ),
            ("<ds:Reference ", "<ds:Reference Type=\"\" ", "signature"),
            ("<ds:SignedInfo>", "<ds:SignedInfo Id=\"x\">", "signature"),
            ("<ds:DigestValue>", "<ds:DigestValue> ", "signature"),
            ("<ds:SignedInfo>", "<ds:SignedInfo><!-- c -->", ""),
            ("Name=\"mail\"", "Name=\"team\"", "digest"),
        ]
        for (old, new, reason) in other {
            #expect(good.contains(old))
            let wanted = reason.isEmpty ? nil : reason
            #expect(try await fault(good.replacingFirst(old, with: new)) == wanted, "\(new)")
        }
    }

    /// The prefix of an element is part of its bytes, and what is declared for it part of its name.
    @Test func namespacesAreBoundWhereTheyAreUsed() async throws {
        let good = try idp.signed(idp.assertion())
        let renamed = good.replacingFirst(
            "<saml:NameID>ada</saml:NameID>",
            with: "<s:NameID xmlns:s=\"urn:oasis:names:tc:SAML:2.0:assertion\">ada</s:NameID>")
        #expect(try await fault(renamed) == "digest")
        let rebound = good.replacingFirst(
            "<saml:NameID>", with: "<saml:NameID xmlns:saml=\"urn:x\">")
        #expect(try await fault(rebound) == "digest")
        let again = good.replacingFirst(
            "<saml:NameID>",
            with: "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">")
        #expect(try await fault(again) == nil)
        let unbound = good.replacingFirst(
            " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"", with: "")
        #expect(try await fault(unbound) == "namespace")
    }

    @Test func aSignatureStandsWhereItBelongsAndIsWhole() async throws {
        let bare = idp.assertion()
        let good = try idp.signed(bare)
        let signature = try idp.signature(of: bare)
        let changes: [(String, String, String)] = [
            ("<ds:SignatureValue>", "<ds:SignatureValue>!", "base64"),
            (
                "<ds:Reference URI=\"#_a1\">", "<ds:Reference URI=\"\">",
                "a reference to another element"
            ),
            ("<ds:Reference URI=\"#_a1\">", "<ds:Reference>", "a reference to another element"),
            (
                "<ds:Reference URI=\"#_a1\">", "<ds:Reference URI=\"#xpointer(id('_a1'))\">",
                "a reference to another element"
            ),
            (
                "<ds:Reference URI=\"#_a1\">", "<ds:Reference URI=\"https://evil.example\">",
                "a reference to another element"
            ),
            ("<ds:Signature ", "<ds:Signature xmlns:x=\"urn:x\" x:Id=\"_a1\" ", ""),
            (
                "</ds:Reference>", "</ds:Reference><ds:Reference URI=\"#_a1\"></ds:Reference>",
                "not one `Reference`"
            ),
            (
                "</ds:Transforms>", "</ds:Transforms><ds:Transforms></ds:Transforms>",
                "not one `Transforms`"
            ),
            (
                "</ds:SignedInfo>", "</ds:SignedInfo><ds:SignedInfo></ds:SignedInfo>",
                "another thing in the signature"
            ),
            (
                "</ds:SignatureValue>", "</ds:SignatureValue><ds:Object></ds:Object>",
                "another thing in the signature"
            ),
            ("xmlns:ds=\"\(AssertionMint.dsig)\"", "xmlns:ds=\"urn:x\"", "not signed"),
        ]
        for (old, new, reason) in changes {
            #expect(good.contains(old))
            let fault = try await fault(good.replacingFirst(old, with: new))
            if reason == "base64" || reason.isEmpty {
                #expect(fault != nil, "\(new)")
            } else {
                #expect(fault == reason, "\(new)")
            }
        }
        // Anywhere among the children it signs the same; below one it does not.
        let last = bare.replacingFirst("</saml:Assertion>", with: signature + "</saml:Assertion>")
        #expect(try await fault(last) == nil)
        let below = bare.replacingFirst("<saml:NameID>", with: signature + "<saml:NameID>")
        #expect(try await fault(below) == "a signature elsewhere")
    }

    /// Groups that cannot be read must not look like none.
    @Test func whatIsLeftOutOrEncryptedIsRefused() async throws {
        func statement(_ attribute: String) -> String {
            "<saml:AttributeStatement>\(attribute)</saml:AttributeStatement>"
        }
        let value = "<saml:AttributeValue>https://graph.example/groups</saml:AttributeValue>"
        let link = "http://schemas.microsoft.com/claims/groups.link"
        let data =
            "<x:EncryptedData xmlns:x=\"http://www.w3.org/2001/04/xmlenc#\"></x:EncryptedData>"
        let linked = idp.assertion(
            statement: statement("<saml:Attribute Name=\"\(link)\">\(value)</saml:Attribute>"))
        #expect(try await fault(idp.signed(linked)) == "token: groups overage")
        // Where nobody is in a group, there is none to miss.
        #expect(try await fault(idp.signed(linked)) { $0.groups = nil } == nil)
        let good = idp.assertion()
        let encrypted = [
            idp.assertion(
                statement: statement("<saml:EncryptedAttribute>\(data)</saml:EncryptedAttribute>")),
            good.replacingFirst(
                "<saml:NameID>ada</saml:NameID>",
                with: "<saml:EncryptedID>\(data)</saml:EncryptedID>"),
            good.replacingFirst(
                "</saml:Assertion>",
                with:
                    "<saml:Advice><saml:EncryptedAssertion>\(data)</saml:EncryptedAssertion></saml:Advice></saml:Assertion>"
            ),
        ]
        for bare in encrypted { #expect(try await fault(idp.signed(bare)) == "encrypted") }
        let alone =
            "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">\(data)</saml:EncryptedAssertion>"
        #expect(try await fault(alone) == "encrypted")
    }

    /// Only the form of a document is told, which whoever sends it has seen.
    @Test func otherFormsAreRefusedWithWhatToDo() async throws {
        func told(_ document: String) async throws -> String {
            let exchange = try idp.exchange(MemoryState())
            let refusal = await #expect(throws: Refusal.self) {
                try await exchange.exchange(AssertionMint.text(document), at: "127.0.0.1")
            }
            return refusal?.told ?? ""
        }
        let space = "xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\""
        let good = try idp.signed(idp.assertion())
        let response = "<samlp:Response \(space)>\(good)</samlp:Response>"
        #expect(try await told(response).contains("Send the `Assertion` of the response alone"))
        let encrypted =
            "<samlp:Response \(space)><saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"/></samlp:Response>"
        #expect(try await told(encrypted).contains("without encryption"))
        let unsigned = try await told(idp.assertion())
        #expect(
            try await told(idp.signed(idp.assertion(issuer: "https://other.example"))) == unsigned)
        #expect(unsigned.contains("is not valid here"))
    }
}
