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

extension InputCheck {
    static func check(_ call: ScopedCall) throws(Refusal) -> ValidCall {
        let violations = call.tool.input.schema.violations(in: .object(call.arrived.arguments))
        guard violations.isEmpty else {
            let list = violations.map { "- \(argument($0.pointer)) \($0.message)" }
            throw Refusal(
                .argumentsInvalid,
                "The arguments do not fit this tool's input schema:\n"
                    + list.joined(separator: "\n") + "\nCorrect them and call again.")
        }
        return ValidCall(call)
    }

    /// `/customer/id` as a reader knows it: `customer.id`.
    private static func argument(_ pointer: String) -> String {
        if pointer.utf8.isEmpty { return "the arguments" }
        let path = pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        return "`\(path.joined(separator: "."))`"
    }
}
