import JSON
import Testing

@Test func everyScalarSurvivesWritingAndParsing() throws {
    var text = ""
    for value in (0..<UInt32(0x3000)) {
        if let scalar = Unicode.Scalar(value) { text.unicodeScalars.append(scalar) }
    }
    text += "\u{FFFF}\u{10000}\u{10FFFF}"
    #expect(
        try JSONParser.parse(JSONValue.string(text).bytes).string?.isByteEqual(to: text) == true)
}

@Test func onlyWhatMustBeEscapedIs() {
    #expect(
        JSONValue.string("a\"b\\c/\u{7F}\u{2028}é\u{8}\u{C}\n\r\t\u{0}\u{1F}").text
            == #""a\"b\\c/\#u{7F}\#u{2028}é\b\f\n\r\t\u0000\u001f""#)
    #expect(JSONValue.string("").text == #""""#)
    #expect(JSONValue.string("\n").text == #""\n""#)
}

@Test func documentsKeepNumbersAndOrder() throws {
    let text =
        #"{"z":[1.10,1E+2,-0,9007199254740993,1e400],"a":{"":[],"b":{}},"m":[null,true,false]}"#
    #expect(try parse(text).text == text)
}

@Test func aDocumentWithinAStringComesBackUnchanged() throws {
    let inner = #"{"text":"line\n\"quoted\" \\ é","n":[1,2]}"#
    var writer = JSONWriter()
    writer.beginArray()
    writer.quotedJSON(Array(inner.utf8))
    writer.string(utf8: Array("x\"y".utf8)[1...])
    writer.rawNumber(Array("1.50,".utf8)[..<4])
    writer.string("last")
    writer.endArray()
    let values = try #require(try JSONParser.parse(writer.finish()).array)
    #expect(values.count == 4)
    #expect(values[0].string?.isByteEqual(to: inner) == true)
    #expect(values[1].string == "\"y")
    #expect(values[2].number?.text == "1.50")
}

@Test func everyByteIsFoundAtEveryPlaceOfAWord() throws {
    let specials: [UInt8] = [0x00, 0x1F, 0x20, 0x21, 0x22, 0x23, 0x5B, 0x5C, 0x5D, 0x7F]
    for length in 0..<20 {
        for place in 0..<length {
            for special in specials {
                var bytes = [UInt8](repeating: 0x61, count: length)
                bytes[place] = special
                if place > 0 { bytes[place - 1] = special ^ 1 }
                let text = String(decoding: bytes, as: UTF8.self)
                let written = JSONValue.string(text).bytes
                #expect(try JSONParser.parse(written).string?.isByteEqual(to: text) == true)
                let raw = [0x22] + bytes.map { $0 == 0x22 || $0 == 0x5C ? 0x62 : $0 } + [0x22]
                let isControl = bytes.contains { $0 < 0x20 }
                #expect(refusal(raw) == (isControl ? .controlCharacter : nil))
            }
        }
    }
}
