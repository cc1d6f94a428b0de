/// The keywords of one schema object, read with the type that each must have.
struct Keywords {
    let object: JSONObject
    let pointer: String

    subscript(_ keyword: String) -> JSONValue? { object[keyword] }

    func pointer(to keyword: String, _ name: String) -> String {
        "\(pointer)/\(keyword)/\(pointerToken(name))"
    }

    func error(_ keyword: String, _ message: String) -> JSONSchemaError {
        JSONSchemaError(pointer: "\(pointer)/\(pointerToken(keyword))", message: message)
    }

    func refuseUnknown() throws(JSONSchemaError) {
        for member in object.members {
            guard let objection = SchemaVocabulary.objection(to: member.name) else { continue }
            let token = [PointerStep.name(member.name)].pointer
            throw JSONSchemaError(pointer: pointer + token, message: objection)
        }
    }

    /// Annotations decide nothing, but one that is not what it should be is a mistake.
    func checkAnnotations() throws(JSONSchemaError) {
        for keyword in ["title", "description", "$comment"] { _ = try string(keyword) }
        for keyword in ["deprecated", "readOnly", "writeOnly"] { _ = try bool(keyword) }
        if let dialect = try string("$schema"), !SchemaVocabulary.isDialect(dialect) {
            throw error(
                "$schema",
                "must be \"https://json-schema.org/draft/2020-12/schema\", the dialect that is checked"
            )
        }
    }

    func string(_ keyword: String) throws(JSONSchemaError) -> String? {
        guard let value = self[keyword] else { return nil }
        guard let text = value.string else { throw error(keyword, "must be a string") }
        return text
    }

    func bool(_ keyword: String) throws(JSONSchemaError) -> Bool? {
        guard let value = self[keyword] else { return nil }
        guard let bool = value.bool else { throw error(keyword, "must be true or false") }
        return bool
    }

    func object(_ keyword: String) throws(JSONSchemaError) -> JSONObject? {
        guard let value = self[keyword] else { return nil }
        guard let object = value.object else { throw error(keyword, "must be an object") }
        return object
    }

    func strings(_ keyword: String) throws(JSONSchemaError) -> [String]? {
        guard let value = self[keyword] else { return nil }
        let texts = value.array?.compactMap(\.string)
        guard let texts, texts.count == value.array?.count else {
            throw error(keyword, "must be an array of strings")
        }
        return texts
    }

    func number(_ keyword: String) throws(JSONSchemaError) -> JSONNumber? {
        guard let value = self[keyword] else { return nil }
        guard let number = value.number else { throw error(keyword, "must be a number") }
        return number
    }

    /// Beyond 18 digits a limit can no more be reached than at 18.
    private func limit(_ keyword: String) throws(JSONSchemaError) -> Int? {
        guard let number = try number(keyword) else { return nil }
        let exact = Decimal(number)
        guard exact.isInteger, !exact.isNegative else {
            throw error(keyword, "must be an integer that is not negative")
        }
        guard exact.magnitude <= 18 else { return 1_000_000_000_000_000_000 }
        let digits = exact.digits.reduce(0) { $0 * 10 + Int($1) }
        return (0..<exact.scale).reduce(digits) { value, _ in value * 10 }
    }

    func count(_ least: String, _ most: String) throws(JSONSchemaError) -> CountRule? {
        let rule = CountRule(least: try limit(least), most: try limit(most))
        return rule.least == nil && rule.most == nil ? nil : rule
    }

    func pattern(_ source: String, at pointer: String) throws(JSONSchemaError) -> Pattern {
        do throws(PatternError) {
            return try Pattern(source)
        } catch {
            throw JSONSchemaError(
                pointer: pointer,
                message: "must be a supported regular expression: \(error.message)")
        }
    }

    func valueRules(into rules: inout [SchemaRule]) throws(JSONSchemaError) {
        if let type = self["type"] { rules.append(.type(try types(type))) }
        if let value = self["enum"] {
            guard let values = value.array else { throw error("enum", "must be an array") }
            rules.append(.allowed(AllowedValues(values)))
        }
        if let value = self["const"] { rules.append(.allowed(AllowedValues([value]))) }
    }

    private func types(_ value: JSONValue) throws(JSONSchemaError) -> SchemaTypes {
        var types: SchemaTypes = []
        for word in value.array ?? [value] {
            guard let text = word.string, let type = SchemaTypes(word: text) else {
                throw error("type", "must be the name of a JSON type, or several")
            }
            types.insert(type)
        }
        guard !types.isEmpty else { throw error("type", "must name at least one type") }
        return types
    }

    func scalarRules(into rules: inout [SchemaRule]) throws(JSONSchemaError) {
        let relations: [(String, NumberRule.Relation)] = [
            ("minimum", .atLeast), ("exclusiveMinimum", .moreThan), ("maximum", .atMost),
            ("exclusiveMaximum", .lessThan), ("multipleOf", .multipleOf),
        ]
        for (keyword, relation) in relations {
            guard let number = try number(keyword) else { continue }
            if case .multipleOf = relation, Decimal(number).isMultiple(of: Decimal(number)) == nil {
                throw error(keyword, "must be more than 0, with at most 18 digits")
            }
            rules.append(.number(NumberRule(relation, number)))
        }
        if let count = try count("minLength", "maxLength") { rules.append(.length(count)) }
        if let source = try string("pattern") {
            rules.append(.pattern(try pattern(source, at: pointer + "/pattern")))
        }
        if let name = try string("format") {
            guard let format = SchemaFormat(name) else {
                throw error("format", SchemaFormat.objection(to: name))
            }
            if format.isChecked { rules.append(.format(format)) }
        }
    }
}

extension AllowedValues {
    /// Short lists are spelled out: they stand in the schema that the caller may read anyway.
    init(_ values: [JSONValue]) {
        let texts = values.map(\.text)
        let isShort = (1...20).contains(texts.count) && texts.allSatisfy { $0.utf8.count <= 60 }
        let list = texts.map { "`\($0)`" }.joined(separator: ", ")
        message =
            !isShort
            ? "must be one of the values in the schema"
            : texts.count == 1 ? "must be \(list)" : "must be one of \(list)"
        self.values = Set(values.map { Name($0.canonicalText) })
    }
}
