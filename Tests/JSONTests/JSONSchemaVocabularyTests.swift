import JSON
import Testing

@Test func whatIsContainedIsCounted() throws {
    let some = ##"{"contains":{"type":"string"}}"##
    #expect(
        try violations(some, "[1]") == [
            " must have at least 1 element that must be a string"
        ])
    #expect(
        try violations(some, "[]") == [
            " must have at least 1 element of the form that `contains` describes"
        ])
    #expect(try violations(some, #"[1,"a"]"#).isEmpty)
    let few = ##"{"contains":{"type":"string"},"minContains":0,"maxContains":1}"##
    #expect(try violations(few, "[]").isEmpty)
    #expect(
        try violations(few, #"["a",1,"b"]"#) == [
            " must have at most 1 element that must be a string"
        ])
}

@Test func whatNoOtherSchemaHasJudgedIsRefused() throws {
    let schema =
        ##"{"allOf":[{"properties":{"name":{"type":"string"}}}],"if":{"required":["kind"]},"then":{"properties":{"kind":{"const":1}}},"unevaluatedProperties":false}"##
    #expect(try violations(schema, #"{"name":"a","kind":1}"#).isEmpty)
    #expect(
        try violations(schema, #"{"nmae":"a","kind":2}"#) == [
            "/kind must be `1`", "/nmae is not a known argument; did you mean `name`?",
        ])
    let form =
        ##"{"anyOf":[{"properties":{"a":true},"required":["a"]},{"properties":{"b":true},"required":["b"]}],"unevaluatedProperties":{"type":"null"}}"##
    #expect(try violations(form, #"{"a":1,"b":1,"c":null}"#).isEmpty)
    #expect(try violations(form, #"{"a":1,"c":1}"#) == ["/c must be null"])
    // A form that fails has judged nothing, whatever it read before it failed.
    let failed =
        ##"{"anyOf":[{"properties":{"a":true},"required":["x"]},{"required":["a"]}],"unevaluatedProperties":false}"##
    #expect(try violations(failed, #"{"a":1}"#).count == 1)
    let list = ##"{"prefixItems":[true],"contains":{"const":2},"unevaluatedItems":false}"##
    #expect(try violations(list, "[1,2,3]") == ["/2 must be absent"])
}

@Test func aMemberThatIsThereBringsASchemaWithIt() throws {
    let schema = ##"{"dependentSchemas":{"card":{"required":["address"]}}}"##
    #expect(try violations(schema, #"{"card":1}"#) == ["/address is required"])
    #expect(try violations(schema, #"{"cash":1}"#).isEmpty)
}

@Test func referencesFindWhatIsNamedWithinTheSchema() throws {
    let schema =
        ##"{"$id":"https://a.example/root/","$defs":{"x":{"$id":"part","$defs":{"y":{"$anchor":"whole","type":"integer"}}}},"properties":{"a":{"$ref":"part#whole"},"b":{"$ref":"/root/part#/$defs/y"},"c":{"$ref":"https://a.example/root/q/../part#whole"}}}"##
    #expect(try violations(schema, #"{"a":1,"b":2,"c":3}"#).isEmpty)
    #expect(try violations(schema, #"{"a":"","b":"","c":""}"#).count == 3)
    for elsewhere in ["https://b.example/x", "other", "#nowhere", "file:///etc/passwd"] {
        let message = try schemaError(##"{"properties":{"a":{"$ref":"\##(elsewhere)"}}}"##)
        #expect(message?.utf8.starts(with: "/properties/a/$ref must".utf8) == true, "\(elsewhere)")
    }
}

@Test func aSchemaIsExtendedThroughItsDynamicAnchor() throws {
    let tree =
        ##"{"$id":"https://a.example/strict","$dynamicAnchor":"node","$ref":"tree","unevaluatedProperties":false,"$defs":{"t":{"$id":"tree","$dynamicAnchor":"node","properties":{"data":true,"children":{"items":{"$dynamicRef":"#node"}}}}}}"##
    #expect(try violations(tree, #"{"children":[{"data":1}]}"#).isEmpty)
    #expect(
        try violations(tree, #"{"children":[{"daat":1}]}"#) == [
            "/children/0/daat is not a known member; did you mean `data`?"
        ])
}

@Test func theFormThatWasMeantIsTheOneThatIsExplained() throws {
    let schema =
        ##"{"oneOf":[{"properties":{"kind":{"const":"card"},"number":{"type":"string"}},"required":["kind","number"]},{"properties":{"kind":{"const":"cash"},"cents":{"type":"integer"}},"required":["kind","cents"]}]}"##
    #expect(
        try violations(schema, #"{"kind":"cash","cents":"5"}"#) == ["/cents must be an integer"])
    #expect(
        try violations(schema, #"{"kind":"gold"}"#) == [
            #" must match one of the 2 allowed forms: `number` is required, or `cents` is required"#
        ])
    let tagged = ##"{"anyOf":[{"properties":{"k":{"const":1}}},{"properties":{"k":{"const":2}}}]}"##
    #expect(try violations(tagged, #"{"k":3}"#) == ["/k must be `1`, or must be `2`"])
}

@Test func keywordsOfOtherDialectsAreErrorsThatSayWhatToWrite() throws {
    #expect(
        try schemaError(##"{"properties":{"a":{"nullable":true}}}"##)
            == #"/properties/a/nullable is not a supported keyword: add "null" to `type`"#)
    #expect(
        try schemaError(##"{"definitions":{}}"##)
            == "/definitions is not a supported keyword: it is `$defs` in JSON Schema 2020-12")
}

@Test func annotationsOfOpenAPIAndOfFormsAreAllowed() throws {
    let schema =
        ##"{"title":"t","example":1,"externalDocs":{},"xml":{},"discriminator":{"propertyName":"k"},"enumNames":["a"],"contentEncoding":"base64","contentMediaType":"text/plain","contentSchema":{},"default":1,"examples":[],"deprecated":true,"readOnly":true,"writeOnly":false,"$comment":"c","format":"password"}"##
    #expect(try violations(schema, "1").isEmpty)
}

@Test(.timeLimit(.minutes(5))) func theWorkIsBoundedWhateverTheSchema() throws {
    // Each level asks twice for the level below: 2^40 without a bound.
    let levels = (0..<40).map { level in
        let next = ##"{"$ref":"#/$defs/d\##(level + 1)"}"##
        return ##""d\##(level)":{"anyOf":[\##(next),\##(next)]}"##
    }
    let list = levels.joined(separator: ",")
    let nest = ##"{"$defs":{\##(list),"d40":{"required":["x"]}},"$ref":"#/$defs/d0"}"##
    let wide = (0..<300).map { ##""p\##($0)":{"$ref":"#"}"## }.joined(separator: ",")
    let keys = (0..<300).map { #""p\#($0)":{}"# }.joined(separator: ",")
    let open = ##"{"properties":{\##(wide)},"unevaluatedProperties":false}"##
    #expect(
        try violations(nest, "{}").last == " must be simpler to be checked against the schema")
    #expect(try violations(open, "{\(keys)}").isEmpty)
}
