import JSON
import Testing

@testable import Enforcement

@Suite struct ValueDetectionTests {
    static let masks = ValueMasks(pseudonym: Pseudonym(master: [1, 2, 3], tenant: "t"))

    @Test(arguments: ValueSample.marked + ValueSample.commands)
    func aValueIsFoundWithItsKindAndItsPlace(_ marked: String) {
        let (text, wanted) = ValueSample.parsed(marked)
        var lab = ValueLab(Self.masks)
        let found = lab.mask(text).spans.map { "\($0.start)-\($0.end) \($0.kind)" }
        #expect(found == wanted.map { "\($0.0)-\($0.1) \($0.2)" }, "\(text)")
    }

    @Test(arguments: ValueSample.harmless + ValueSample.harmlessCommands)
    func whatOnlyLooksLikeOneStays(_ text: String) {
        var lab = ValueLab(Self.masks)
        let (masked, spans) = lab.mask(text)
        #expect(spans.isEmpty)
        #expect(masked == text)
    }

    /// Every key form with the shortest and the longest body that it allows.
    @Test func everyVendorsKeysAreFoundAtBothEndsOfTheirLengths() {
        let letters = Array("a1B2c3D4e5F6g7H8".utf8)
        let hex = Array("a1b2c3d4e5f60789".utf8)
        let upper = Array("A2B3C4D5E6F7G2H3".utf8)
        for form in VendorKeys.all {
            for length in [form.lengths.lowerBound, form.lengths.upperBound] {
                let source =
                    switch form.alphabet {
                    case .lowerHex, .uuid: hex
                    case .upper: upper
                    case .digits: Array("1234567890123456".utf8)
                    default: letters
                    }
                let body = (0..<length).map { source[$0 % source.count] }
                let key = String(decoding: form.prefix + body, as: UTF8.self)
                var lab = ValueLab(Self.masks)
                let (masked, spans) = lab.mask("x \(key) y")
                #expect(spans.count == 1, "\(key)")
                #expect(masked == "x [api_key] y" || masked == "x [jwt] y", "\(key)")
            }
        }
        #expect(VendorKeys.all.count > 140)
    }

    @Test func aSplitNumberIsNoCardWhereItsGroupsAreOfOtherThings() {
        for text in [
            "4111 1111\n\n1111 1111", "4111,1111,1111,1111", "row 41 11 1111 1111 1111 11",
        ] {
            var lab = ValueLab(Self.masks)
            #expect(lab.mask(text).spans.isEmpty, "\(text)")
        }
    }

    @Test func aPrivateKeyIsCoveredToItsEndOrToTheEndOfTheText() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj"
        let whole = "a\n-----BEGIN RSA PRIVATE KEY-----\n\(body)\n-----END RSA PRIVATE KEY-----\nb"
        var lab = ValueLab(Self.masks)
        #expect(lab.mask(whole).text == "a\n[private_key]\nb")
        let cut = "a\n-----BEGIN PRIVATE KEY-----\n\(body)\nand more"
        #expect(lab.mask(cut).text == "a\n[private_key]")
        let inJSON =
            #"{"k":"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n","n":1}"#
        #expect(lab.mask(inJSON).text == #"{"k":"[private_key]\n","n":1}"#)
    }

    @Test func overlappingHitsAreOneRegionNamedByTheLongest() {
        var findings = [
            Finding(.email, 2, 9), Finding(.ip, 6, 12), Finding(.password, 20, 24),
            Finding(.phone, 20, 24), Finding(.card, 24, 30),
        ]
        Finding.merge(&findings)
        #expect(findings == [Finding(.email, 2, 12), Finding(.card, 20, 30)])
    }
}
