/// A compiled JSON Schema.
package struct JSONSchema: Sendable {
    /// Refuses a schema that holds a keyword it cannot check: an ignored keyword is a hole.
    package init(_ schema: JSONValue) throws(JSONSchemaError) {}

    /// Every violation at once, each with its place and what would be right.
    package func violations(in value: JSONValue) -> [JSONViolation] { [] }
}

package struct JSONSchemaError: Error {
    /// A JSON Pointer into the schema.
    package var pointer: String
    package var message: String
}

package struct JSONViolation: Sendable {
    /// A JSON Pointer into the value; empty for the whole.
    package var pointer: String
    /// Names what would be right, never the offending value.
    package var message: String
}
