package import JSON

/// The compiled check of a tool's arguments.
package struct InputCheck: Sendable {
    package let schema: JSONSchema

    package init(schema: JSONSchema) { self.schema = schema }
}
