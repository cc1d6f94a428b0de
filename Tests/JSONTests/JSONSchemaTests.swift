import JSON
import Testing

func violations(_ schema: String, _ value: String) throws -> [String] {
    try JSONSchema(parse(schema)).violations(in: parse(value)).map { "\($0.pointer) \($0.message)" }
}

func schemaError(_ schema: String) throws -> String? {
    let value = try parse(schema)
    do throws(JSONSchemaError) {
        _ = try JSONSchema(value)
        return nil
    } catch {
        return "\(error.pointer) \(error.message)"
    }
}

private let refund = """
    {"type":"object","additionalProperties":false,"required":["id","amount"],
     "properties":{"id":{"type":"integer","minimum":1},"amount":{"type":"number","exclusiveMinimum":0},
       "currency":{"enum":["EUR","USD"]},"note":{"type":["string","null"],"maxLength":3},
       "lines":{"type":"array","items":{"type":"object","properties":{"a/b":{"type":"boolean"}},
         "additionalProperties":false}}}}
    """

@Test func allViolationsAreNamedAtOnceWithTheirPlaces() throws {
    let value =
        ##"{"idd":7,"amount":0,"currency":"YEN","note":"four","lines":[{},{"a/b":1,"c":2}]}"##
    #expect(
        try violations(refund, value) == [
            "/id is required",
            "/idd is not a known argument; did you mean `id`?",
            "/amount must be more than 0",
            #"/currency must be one of `"EUR"`, `"USD"`"#,
            "/note must have at most 3 characters",
            "/lines/1/a~1b must be true or false",
            "/lines/1/c is not a known member",
        ])
    #expect(try violations(refund, ##"{"id":1.0,"amount":0.01,"note":null}"##) == [])
    #expect(try violations(refund, "[]") == [" must be an object"])
}

@Test func violationsNeverRepeatTheValue() throws {
    let schema =
        ##"{"properties":{"a":{"type":"integer"},"b":{"pattern":"^x"},"c":{"const":1},"d":{"not":{}}}}"##
    for message in try violations(schema, ##"{"a":"hush","b":"hush","c":"hush","d":"hush"}"##) {
        #expect(!message.contains("hush"))
    }
}

@Test func limitsOnNumbersAreExact() throws {
    #expect(try violations(##"{"maximum":9007199254740992}"##, "9007199254740993").count == 1)
    #expect(try violations(##"{"maximum":0.1}"##, "0.1000000000000000000001").count == 1)
    #expect(try violations(##"{"multipleOf":0.01}"##, "19.99").isEmpty)
    #expect(try violations(##"{"multipleOf":0.01}"##, "19.999").count == 1)
    #expect(try violations(##"{"multipleOf":7}"##, "7e999999999").isEmpty)
    #expect(try violations(##"{"multipleOf":7}"##, "1e999999999").count == 1)
    #expect(try violations(##"{"multipleOf":3}"##, "-9223372036854775808").count == 1)
    #expect(try violations(##"{"type":"integer"}"##, "1e-999999999").count == 1)
    #expect(try violations(##"{"enum":[1.0]}"##, "100e-2").isEmpty)
}

@Test func canonicallyEquivalentNamesAreDifferentArguments() throws {
    let schema =
        "{\"properties\":{\"\u{E9}\":true},\"additionalProperties\":false,\"required\":[\"\u{E9}\"]}"
    #expect(try violations(schema, "{\"e\u{301}\":1}").count == 2)
    #expect(try violations("{\"const\":\"\u{E9}\"}", "\"e\u{301}\"").count == 1)
    #expect(try violations(##"{"uniqueItems":true}"##, "[\"\u{E9}\",\"e\u{301}\"]").isEmpty)
}

@Test func aKeywordThatIsNotCheckedIsAnError() throws {
    #expect(
        try schemaError(##"{"properties":{"a":{"minLenght":1}}}"##)
            == "/properties/a/minLenght is not a supported keyword; did you mean `minLength`?")
    for schema in [
        ##"{"unevaluatedProperty":false}"##, ##"{"contain":{}}"##, ##"{"$id":"x#y"}"##,
        ##"{"x-foo":1}"##,
        ##"{"$defs":{"a":{"foo":1}}}"##, ##"{"$ref":"other.json"}"##, ##"{"$ref":"#/$defs/a"}"##,
        ##"{"items":[{}]}"##,
        ##"{"exclusiveMinimum":true}"##, ##"{"type":"int"}"##, ##"{"type":[]}"##,
        ##"{"required":true}"##,
        ##"{"pattern":"(?=a)"}"##, ##"{"pattern":"("}"##, ##"{"multipleOf":0}"##,
        ##"{"multipleOf":-1}"##,
        ##"{"minLength":-1}"##, ##"{"minLength":1.5}"##, ##"{"anyOf":[]}"##,
        ##"{"properties":[]}"##, "1", "null",
        ##"{"multipleOf":1234567890123456789}"##, ##"{"$ref":"#/$defs/~2"}"##,
        ##"{"$ref":"#/%zz"}"##,
        ##"{"$dynamicRef":"#a"}"##, ##"{"$anchor":"1a"}"##, ##"{"$id":"a","items":{"$id":"a"}}"##,
        ##"{"$anchor":"a","items":{"$anchor":"a"}}"##, ##"{"contains":1}"##,
        ##"{"minContains":-1}"##, ##"{"dependentSchemas":{"a":1}}"##, ##"{"title":1}"##,
        ##"{"deprecated":"no"}"##, ##"{"$schema":"http://json-schema.org/draft-07/schema#"}"##,
        ##"{"format":1}"##, ##"{"format":"idn-hostname"}"##, ##"{"contentSchema":{"bogus":1}}"##,
        ##"{"then":{"bogus":1}}"##, ##"{"patternProperties":{"(a)\\1":{}}}"##,
    ] {
        #expect(try schemaError(schema) != nil, "\(schema)")
    }
}

@Test func aValueThatMatchesNoFormIsToldWhatWouldBeRight() throws {
    #expect(
        try violations(##"{"anyOf":[{"type":"string"},{"type":"null"}]}"##, "1") == [
            " must be a string, or must be null"
        ])
    let nullable = ##"{"anyOf":[{"type":"object","required":["id"]},{"type":"null"}]}"##
    #expect(try violations(nullable, "{}") == ["/id is required"])
    #expect(
        try violations(##"{"oneOf":[{"type":"integer"},{"minimum":1}]}"##, "2") == [
            " must match only one of the 2 allowed forms"
        ])
}

@Test func schemasMayReferToThemselves() throws {
    let list =
        ##"{"$defs":{"list":{"type":"object","properties":{"next":{"$ref":"#/$defs/list"}}}},"$ref":"#/$defs/list"}"##
    #expect(try violations(list, ##"{"next":{"next":{}}}"##).isEmpty)
    #expect(try violations(list, ##"{"next":{"next":1}}"##) == ["/next/next must be an object"])
}

@Test func workThatDoesNotEndIsAViolationNotAPass() throws {
    let circle = ##"{"$dynamicAnchor":"a","$dynamicRef":"#a"}"##
    #expect(try !violations(circle, "1").isEmpty)
    #expect(try !violations(##"{"$dynamicAnchor":"a","not":{"$dynamicRef":"#a"}}"##, "1").isEmpty)
    let twice =
        ##"{"$defs":{"t":{"anyOf":[{"items":{"$ref":"#/$defs/t"},"minItems":9},{"items":{"$ref":"#/$defs/t"},"minItems":9}]}},"$ref":"#/$defs/t"}"##
    let wider = ##"{"oneOf":[{"items":{"$ref":"#"}},{"items":{"$ref":"#"}}]}"##
    let nested = String(repeating: "[", count: 60) + String(repeating: "]", count: 60)
    #expect(try !violations(twice, nested).isEmpty)
    #expect(try !violations(wider, nested).isEmpty)
}

@Test func aSchemaThatLeadsBackToItselfIsAnError() throws {
    for schema in [
        ##"{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}"##,
        ##"{"not":{"$ref":"#"}}"##, ##"{"not":{"not":{"$ref":"#/not"}}}"##,
        ##"{"anyOf":[{"type":"string"},{"$ref":"#"}]}"##,
        ##"{"if":true,"else":{"$ref":"#"}}"##, ##"{"dependentSchemas":{"a":{"$ref":"#"}}}"##,
    ] {
        let message = try schemaError(schema)
        #expect(message?.hasSuffix("leads back to itself without going into the value") == true)
    }
}

@Test func aChainOfReferencesEndsBeforeTheStackDoes() throws {
    let chain = (0..<5_000).map { ##""d\##($0)":{"$ref":"#/$defs/d\##($0 + 1)"}"## }
    let schema = ##"{"$defs":{"## + chain.joined(separator: ",") + ##","d5000":{}}}"##
    #expect(try schemaError(schema)?.hasSuffix("is nested too deeply") == true)
}

@Test func violationsAreCapped() throws {
    let names = (0..<100).map { "\"n\($0)\":1" }.joined(separator: ",")
    #expect(try violations(##"{"additionalProperties":false}"##, "{\(names)}").count == 20)
    let long = String(repeating: "n", count: 100_000)
    let message = try violations(##"{"additionalProperties":false}"##, "{\"\(long)\":1}")
    #expect(message[0].utf8.count < 200)
}
