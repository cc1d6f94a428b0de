/// Does a value have the shape that a tool declares? JSON Schema 2020-12, compiled once.
///
/// The vocabulary is closed: a keyword that is not checked here makes the schema an error, since
/// an ignored keyword is a hole that nobody sees. A violation names what would be right and never
/// repeats the value. The work is bounded whatever the schema: what cannot be decided within the
/// bound is a violation, never a pass.
package struct JSONSchema: Sendable {
    /// Rules name other schemas by their index. The root is first.
    let nodes: [SchemaNode]
    /// Whether anything asks on which way it was reached.
    let isDynamic: Bool

    package init(_ schema: JSONValue) throws(JSONSchemaError) {
        let compiler = try SchemaCompiler(root: schema)
        nodes = try compiler.compile()
        isDynamic = nodes.contains { node in
            node.rules.contains { if case .dynamicReference = $0 { true } else { false } }
        }
    }

    /// Every violation at once, up to 20, each with its place and what would be right.
    package func violations(in value: JSONValue) -> [JSONViolation] {
        var check = SchemaCheck(schema: self)
        return check.run(value)
    }
}

package struct JSONSchemaError: Error, Sendable {
    /// A JSON Pointer into the schema.
    package var pointer: String
    package var message: String
}

package struct JSONViolation: Sendable, Equatable {
    /// A JSON Pointer into the value; empty for the whole.
    package var pointer: String
    /// Names what would be right, never the offending value.
    package var message: String
}
