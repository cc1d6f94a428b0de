package import JSON

/// The compiled check of a tool's arguments.
package struct InputCheck: Sendable {
    package let schema: JSONSchema

    package init(schema: JSONSchema) { self.schema = schema }
}

/// A call whose arguments have the form that its tool declares.
package struct ValidCall: Sendable {
    package let scoped: ScopedCall
    fileprivate init(_ scoped: ScopedCall) { self.scoped = scoped }
}

extension ValidCall {
    /// As the record says of a call whose values it covers. Only for asking rules again, where
    /// nothing can run on it.
    static func recorded(_ call: ScopedCall) -> ValidCall {
        precondition(call.arrived.recorded != nil, "not a call of the record")
        return ValidCall(call)
    }
}

extension ValidCall {
    /// A query that we made, of values that were checked when they came. For `Gate.preview`.
    init(previewing call: ScopedCall) { scoped = call }
}

extension InputCheck {
    static func check(_ call: ScopedCall) throws(Refusal) -> ValidCall {
        try call.tool.input.check(call.arrived.arguments)
        try call.guarded.offers?.check(call)
        return ValidCall(call)
    }

    func check(_ given: JSONObject) throws(Refusal) {
        let arguments = JSONValue.object(given)
        let violations = schema.violations(in: arguments)
        var list = violations.map { "- \(Self.argument($0.pointer)) \($0.message)" }
        // What a rule compares whole, a C library reads up to the zero: they must see one text.
        if Self.holdsZero(arguments) { list.append("- no text may hold the character U+0000") }
        guard list.isEmpty else {
            throw Refusal(
                .argumentsInvalid,
                "The arguments do not fit this tool's input schema:\n"
                    + list.joined(separator: "\n") + "\nCorrect them and call again.")
        }
    }

    private static func holdsZero(_ value: JSONValue) -> Bool {
        switch value {
        case .string(let text): text.utf8.contains(0)
        case .array(let values): values.contains { holdsZero($0) }
        case .object(let object):
            object.members.contains { $0.name.utf8.contains(0) || holdsZero($0.value) }
        case .null, .bool, .number: false
        }
    }

    /// `/customer/id` as a reader knows it: `customer.id`.
    private static func argument(_ pointer: String) -> String {
        if pointer.utf8.isEmpty { return "the arguments" }
        let path = pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        return "`\(path.joined(separator: "."))`"
    }
}
