import JSON
import Testing

@testable import Enforcement

@Suite struct XMLReaderTests {
    private func read(_ text: String) throws -> XMLElement {
        try XMLReader.read(Array(text.utf8))
    }

    private func canonical(_ text: String, inclusive: Set<Name> = []) throws -> String {
        String(
            decoding: ExclusiveCanonicalXML.bytes(of: try read(text), inclusive: inclusive),
            as: UTF8.self)
    }

    @Test(arguments: [
        ("<a/>", "<a></a>"),
        ("<a b='1' a=\"2\"/>", "<a a=\"2\" b=\"1\"></a>"),
        ("<a\n  b = '1'\t></a >", "<a b=\"1\"></a>"),
        ("<a>x&lt;y&amp;z&gt;&quot;&apos;</a>", "<a>x&lt;y&amp;z&gt;\"'</a>"),
        (
            "<a b=\"&lt;&amp;&gt;&quot;'&#9;&#10;&#xD;\"/>",
            "<a b=\"&lt;&amp;>&quot;'&#x9;&#xA;&#xD;\"></a>"
        ),
        ("<a b=\"1\t2\n3\"/>", "<a b=\"1 2 3\"></a>"),
        ("<a>1\r\n2\r3&#13;</a>", "<a>1\n2\n3&#xD;</a>"),
        ("<a><!-- c -->\n<b/></a>", "<a>\n<b></b></a>"),
        ("<!-- c --><a>é\u{1F600}&#xE9;</a>\n", "<a>é\u{1F600}é</a>"),
        // Namespaces are written where they are used, and once.
        (
            "<a xmlns:x='urn:x'><x:b><x:c/></x:b></a>",
            "<a><x:b xmlns:x=\"urn:x\"><x:c></x:c></x:b></a>"
        ),
        ("<a xmlns:x='urn:x' x:b='1' c='2'/>", "<a xmlns:x=\"urn:x\" c=\"2\" x:b=\"1\"></a>"),
        (
            "<a xmlns='urn:a'><b xmlns=''><c/></b></a>",
            "<a xmlns=\"urn:a\"><b xmlns=\"\"><c></c></b></a>"
        ),
        (
            "<x:a xmlns='urn:a' xmlns:x='urn:x'><b/></x:a>",
            "<x:a xmlns:x=\"urn:x\"><b xmlns=\"urn:a\"></b></x:a>"
        ),
        (
            "<x:a xmlns:x='urn:x'><x:a xmlns:x='urn:y'/><x:a/></x:a>",
            "<x:a xmlns:x=\"urn:x\"><x:a xmlns:x=\"urn:y\"></x:a><x:a></x:a></x:a>"
        ),
        (
            "<a xmlns:p='urn:b' xmlns:q='urn:a' p:n='1' q:n='2' n='3'/>",
            "<a xmlns:p=\"urn:b\" xmlns:q=\"urn:a\" n=\"3\" q:n=\"2\" p:n=\"1\"></a>"
        ),
        ("<a xml:lang='en'/>", "<a xml:lang=\"en\"></a>"),
    ])
    func theCanonicalFormIsThatOfTheRecommendation(_ text: String, _ form: String) throws {
        #expect(try canonical(text) == form)
    }

    @Test func prefixesThatAreAskedForAreWrittenWhereTheyAreInScope() throws {
        let text = "<a xmlns='urn:a' xmlns:x='urn:x'><b xmlns:y='urn:y'/></a>"
        #expect(
            try canonical(text, inclusive: ["x", "y", "z"])
                == "<a xmlns=\"urn:a\" xmlns:x=\"urn:x\"><b xmlns:y=\"urn:y\"></b></a>")
        #expect(
            try canonical("<x:a xmlns='urn:a' xmlns:x='urn:x'/>", inclusive: [""])
                == "<x:a xmlns=\"urn:a\" xmlns:x=\"urn:x\"></x:a>")
    }

    /// What was written is read as the same, and written as the same again.
    @Test func theCanonicalFormIsItsOwn() throws {
        let text = "<x:a xmlns='urn:a' xmlns:x='urn:x' x:k=\" &#9;&lt;\"><b>&#13;&amp;</b>\n</x:a>"
        let form = try canonical(text)
        #expect(try canonical(form) == form)
    }

    @Test(arguments: [
        "", "a", "<a>", "<a></b>", "<a/><b/>", "</a>", "<a", "<a/", "<a b/>", "<a b=1/>",
        "<a b='1'c='2'/>", "<a b='1' b='2'/>", "<a b='<'/>", "<a>&e;</a>", "<a>&#0;</a>",
        "<a>&#xD800;</a>", "<a>&#x110000;</a>", "<a>&#+65;</a>", "<a>&#-65;</a>", "<a>&#;</a>",
        "<a>&</a>", "<a>&amp</a>", "<a>]]></a>", "<x:a/>", "<a x:b='1'/>", "<:a/>", "<a:/>",
        "<a xmlns:x=''/>", "<a xmlns:xml='urn:x'/>", "<a xmlns:xmlns='urn:x'/>",
        "<a xmlns:x='http://www.w3.org/XML/1998/namespace'/>",
        "<a xmlns='http://www.w3.org/2000/xmlns/'/>", "<a xmlns:x='u' xmlns:x='v'/>",
        "<a xmlns:p='urn:x' xmlns:q='urn:x' p:b='1' q:b='2'/>", "<a><!-- -- --></a>",
        "<a><!-- </a>", "<a><![CDATA[x]]></a>", "<!DOCTYPE a><a/>", "<a><?x?></a>", "<?x?><a/>",
        "<?xml version='1.1'?><a/>", " <?xml version='1.0'?><a/>", "<a>\u{1}</a>",
        "<a>\u{FFFE}</a>",
        "\u{FEFF}<a/>", "<é/>", "<1a/>", "<-a/>", "<a>x<!-- -->y</a>", "<a b:c:d='1'/>",
        "<xmlns:a/>",
    ])
    func whatIsNoStrictDocumentIsRefused(_ text: String) {
        #expect(throws: XMLFault.self, "\(text)") { try read(text) }
    }

    @Test func whatIsNoTextIsRefused() {
        for bytes: [UInt8] in [[0x3C, 0x61, 0x3E, 0xFF], [0xC0, 0xBC], [0xFE, 0xFF, 0, 0x3C]] {
            #expect(throws: XMLFault.self) { try XMLReader.read(bytes) }
        }
    }

    @Test func everyLimitHolds() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
        }
        func wide(_ count: Int) -> String {
            "<a>" + String(repeating: "<b/>", count: count) + "</a>"
        }
        func attributes(_ count: Int) -> String {
            "<a " + (0..<count).map { "a\($0)='1'" }.joined(separator: " ") + "/>"
        }
        _ = try read(nested(XMLReader.depthMax))
        _ = try read(wide(XMLReader.elementsMax - 1))
        _ = try read(attributes(XMLReader.attributesMax))
        for text in [
            nested(XMLReader.depthMax + 1), wide(XMLReader.elementsMax),
            attributes(XMLReader.attributesMax + 1),
            "<\(String(repeating: "a", count: XMLReader.nameBytesMax + 1))/>",
            "<a>" + String(repeating: " ", count: XMLReader.bytesMax) + "</a>",
        ] {
            #expect(throws: XMLFault.self) { try read(text) }
        }
    }

    /// Cut or changed anywhere, it is read or refused, and never more than that.
    @Test func noDamageEndsTheProcess() throws {
        let text = Array(
            "<?xml version='1.0'?><x:a xmlns:x='urn:x' b='&lt;'><!-- c --><x:b>t&#65;</x:b></x:a>"
                .utf8)
        for end in text.indices {
            _ = try? XMLReader.read(Array(text[..<end]))
            for byte: UInt8 in [0x00, 0x22, 0x26, 0x27, 0x2F, 0x3A, 0x3C, 0x3E, 0x80] {
                var changed = text
                changed[end] = byte
                _ = try? XMLReader.read(changed)
            }
        }
    }
}
