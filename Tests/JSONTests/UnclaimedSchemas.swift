/// What of the suite is not claimed, and why. Whoever adds a keyword or a format sees here which
/// cases must now be judged.
enum UnclaimedSchemas {
    /// Groups whose schema is an error when it is loaded; nothing of them is judged.
    static let refused: Set<String> = Set(fetched + dialects + unknown + formats)

    /// They lead to a document elsewhere, the metaschema among them: nothing is ever fetched.
    private static let fetched = [
        "defs.json: validate definition against metaschema",
        "dynamicRef.json: $ref and $dynamicAnchor are independent of order - $defs first",
        "dynamicRef.json: $ref and $dynamicAnchor are independent of order - $ref first",
        "dynamicRef.json: $ref to $dynamicRef finds detached $dynamicAnchor",
        "dynamicRef.json: strict-tree schema, guards against misspelled properties",
        "dynamicRef.json: tests for implementation dynamic anchor and reference link",
        "ref.json: remote ref, containing refs itself",
        "refRemote.json: $ref to $ref finds detached $anchor",
        "refRemote.json: Location-independent identifier in remote ref",
        "refRemote.json: anchor within remote ref",
        "refRemote.json: base URI change",
        "refRemote.json: base URI change - change folder",
        "refRemote.json: base URI change - change folder in subschema",
        "refRemote.json: fragment within remote ref",
        "refRemote.json: ref within remote ref",
        "refRemote.json: remote HTTP ref with different $id",
        "refRemote.json: remote HTTP ref with different URN $id",
        "refRemote.json: remote HTTP ref with nested absolute ref",
        "refRemote.json: remote ref",
        "refRemote.json: remote ref with ref to defs",
        "refRemote.json: retrieved nested refs resolve relative to their URI not $id",
        "refRemote.json: root ref in remote ref",
    ]

    /// Other dialects, and metaschemas that change what keywords mean.
    private static let dialects = [
        "optional/cross-draft.json: refs to historic drafts are processed as historic drafts",
        "optional/format-assertion.json: schema that uses custom metaschema with format-assertion: false",
        "optional/format-assertion.json: schema that uses custom metaschema with format-assertion: true",
        "vocabulary.json: ignore unrecognized optional vocabulary",
        "vocabulary.json: schema that uses custom metaschema with with no validation vocabulary",
    ]

    /// Keywords that nobody checks: those of older drafts, and whatever is merely unknown.
    private static let unknown = [
        "optional/dependencies-compatibility.json: boolean subschemas",
        "optional/dependencies-compatibility.json: dependencies with escaped characters",
        "optional/dependencies-compatibility.json: empty dependents",
        "optional/dependencies-compatibility.json: multiple dependents required",
        "optional/dependencies-compatibility.json: schema dependencies with escaped characters",
        "optional/dependencies-compatibility.json: single dependency",
        "optional/dependencies-compatibility.json: single schema dependency",
        "optional/refOfUnknownKeyword.json: reference internals of known non-applicator",
        "optional/refOfUnknownKeyword.json: reference of a root arbitrary keyword ",
        "optional/refOfUnknownKeyword.json: reference of a root arbitrary keyword with encoded ref",
        "optional/refOfUnknownKeyword.json: reference of an arbitrary keyword of a sub-schema",
        "optional/refOfUnknownKeyword.json: reference of an arbitrary keyword of a sub-schema with encoded ref",
        "optional/unknownKeyword.json: $id inside an unknown keyword is not a real identifier",
    ]

    /// Formats that are unknown, or need the tables of IDNA.
    private static let formats = [
        "format.json: idn-hostname format",
        "optional/format/idn-hostname.json: validation of internationalized host names",
        "optional/format/idn-hostname.json: validation of separators in internationalized host names",
        "optional/format/unknown.json: unknown format",
    ]

    /// Single cases that are judged otherwise.
    static let judgedOtherwise: Set<String> = Set(annotated + labels)

    /// `format` is checked here: one that is only told would be a hole that nobody sees.
    private static let annotated = [
        "date", "date-time", "duration", "email", "hostname", "idn-email", "ipv4", "ipv6", "iri",
        "iri-reference", "json-pointer", "regex", "relative-json-pointer", "time", "uri",
        "uri-reference", "uri-template", "uuid",
    ].map { "format.json: \($0) format: invalid \($0) string is only an annotation by default" }

    /// What stands behind `xn--` in a host name is not decoded: that needs the tables of IDNA.
    private static let labels = [
        "Arabic-Indic digits mixed with Extended Arabic-Indic digits",
        "Begins with a Nonspacing Mark",
        "Begins with a Spacing Combining Mark",
        "Begins with an Enclosing Mark",
        "Exceptions that are DISALLOWED, left-to-right chars",
        "Exceptions that are DISALLOWED, right-to-left chars",
        "Greek KERAIA not followed by Greek",
        "Greek KERAIA not followed by anything",
        "Hebrew GERESH not preceded by Hebrew",
        "Hebrew GERESH not preceded by anything",
        "Hebrew GERSHAYIM not preceded by Hebrew",
        "Hebrew GERSHAYIM not preceded by anything",
        "KATAKANA MIDDLE DOT with no Hiragana, Katakana, or Han",
        "KATAKANA MIDDLE DOT with no other characters",
        "MIDDLE DOT with no following 'l'",
        "MIDDLE DOT with no preceding 'l'",
        "MIDDLE DOT with nothing following",
        "MIDDLE DOT with nothing preceding",
        "ZERO WIDTH JOINER not preceded by Virama",
        "ZERO WIDTH JOINER not preceded by anything",
        "contains \"--\" in the 3rd and 4th position",
        "contains illegal char U+302E Hangul single dot tone mark",
        "invalid Punycode",
    ].map { "optional/format/hostname.json: validation of A-label (punycode) host names: \($0)" }
}
