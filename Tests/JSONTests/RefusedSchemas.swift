/// What of the suite is refused as a schema: keywords outside our vocabulary, `$id` and references
/// beyond the document. Whoever adds a keyword sees here which cases must now be judged.
enum RefusedSchemas {
    static let files: Set<String> = [
        "anchor.json",
        "contains.json",
        "content.json",
        "defs.json",
        "dependentSchemas.json",
        "dynamicRef.json",
        "maxContains.json",
        "minContains.json",
        "refRemote.json",
        "unevaluatedItems.json",
        "unevaluatedProperties.json",
    ]

    static let groups: Set<String> = [
        "additionalProperties.json: dependentSchemas with additionalProperties",
        "not.json: collect annotations inside a 'not', even if collection is disabled",
        "pattern.json: pattern with Unicode property escape requires unicode mode",
        "patternProperties.json: patternProperties with Unicode property escape",
        "ref.json: remote ref, containing refs itself",
        "ref.json: Recursive references between schemas",
        "ref.json: ref creates new scope when adjacent to keywords",
        "ref.json: refs with relative uris and defs",
        "ref.json: relative refs with absolute uris and defs",
        "ref.json: $id must be resolved against nearest parent, not just immediate parent",
        "ref.json: order of evaluation: $id and $ref",
        "ref.json: order of evaluation: $id and $anchor and $ref",
        "ref.json: order of evaluation: $id and $ref on nested schema",
        "ref.json: simple URN base URI with $ref via the URN",
        "ref.json: simple URN base URI with JSON pointer",
        "ref.json: URN base URI with NSS",
        "ref.json: URN base URI with r-component",
        "ref.json: URN base URI with q-component",
        "ref.json: URN base URI with URN and JSON pointer ref",
        "ref.json: URN base URI with URN and anchor ref",
        "ref.json: URN ref with nested pointer ref",
        "ref.json: ref to if",
        "ref.json: ref to then",
        "ref.json: ref to else",
        "ref.json: ref with absolute-path-reference",
        "ref.json: $id with file URI still resolves pointers - *nix",
        "ref.json: $id with file URI still resolves pointers - windows",
        "vocabulary.json: schema that uses custom metaschema with with no validation vocabulary",
    ]
}
