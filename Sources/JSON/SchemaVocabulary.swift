/// Every keyword that a schema may hold. Whatever is not named here is an error.
enum SchemaVocabulary {
    enum Holding {
        case one
        case list
        case byName
    }

    /// Whose values are schemas themselves.
    static let holders: [(keyword: Name, holding: Holding)] = [
        ("$defs", .byName), ("properties", .byName), ("patternProperties", .byName),
        ("dependentSchemas", .byName), ("prefixItems", .list), ("allOf", .list), ("anyOf", .list),
        ("oneOf", .list), ("items", .one), ("contains", .one), ("additionalProperties", .one),
        ("propertyNames", .one), ("not", .one), ("if", .one), ("then", .one), ("else", .one),
        ("unevaluatedItems", .one), ("unevaluatedProperties", .one), ("contentSchema", .one),
    ]

    private static let checks: [Name] = [
        "$id", "$schema", "$ref", "$anchor", "$dynamicRef", "$dynamicAnchor", "type", "enum",
        "const", "required", "minProperties", "maxProperties", "dependentRequired", "minItems",
        "maxItems", "uniqueItems", "minContains", "maxContains", "minimum", "exclusiveMinimum",
        "maximum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "format",
    ]

    /// They say something about a value and never whether it is right: those of JSON Schema, then
    /// those of OpenAPI 3.1 and of MCP's forms.
    private static let annotations: [Name] = [
        "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly",
        "$comment", "contentEncoding", "contentMediaType", "example", "externalDocs", "xml",
        "discriminator", "enumNames",
    ]

    private static let known = Set(holders.map(\.keyword) + checks + annotations)

    /// What other dialects say, and how it is said here.
    private static let foreign: [Name: String] = [
        "nullable": "add \"null\" to `type`",
        "definitions": "it is `$defs` in JSON Schema 2020-12",
        "dependencies": "it is `dependentRequired` or `dependentSchemas` in JSON Schema 2020-12",
        "additionalItems": "it is `items` beside `prefixItems` in JSON Schema 2020-12",
        "id": "it is `$id` in JSON Schema 2020-12",
        "$recursiveRef": "it is `$dynamicRef` in JSON Schema 2020-12",
        "$recursiveAnchor": "it is `$dynamicAnchor` in JSON Schema 2020-12",
        "$vocabulary": "only the whole vocabulary is served",
    ]

    /// Nil for a keyword that is known.
    static func objection(to keyword: String) -> String? {
        let name = Name(keyword)
        if known.contains(name) { return nil }
        if let advice = foreign[name] { return "is not a supported keyword: \(advice)" }
        let words = known.map(\.text).sorted()
        let hint = nearest(keyword, among: words).map { "; did you mean `\($0)`?" }
        return "is not a supported keyword" + (hint ?? "")
    }

    /// The dialects that mean what is checked here.
    static func isDialect(_ uri: String) -> Bool {
        [
            "https://json-schema.org/draft/2020-12/schema",
            "https://json-schema.org/draft/2020-12/schema#",
            "https://spec.openapis.org/oas/3.1/dialect/base",
        ].contains { $0.isByteEqual(to: uri) }
    }
}
