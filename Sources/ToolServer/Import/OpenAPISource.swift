import JSON

/// A document, with its references followed. References to other documents are not: nothing is
/// fetched but what the user named.
struct OpenAPISource {
    let root: JSONValue

    private static let hopsMax = 16

    init(_ bytes: [UInt8]) throws(CommandFailure) {
        do throws(JSONError) {
            root = try JSONParser.parse(bytes, limits: JSONLimits(depth: 256, bytes: 64 << 20))
        } catch {
            throw CommandFailure(
                "the document is not JSON at byte \(error.offset): \(error.message). YAML is to be converted first."
            )
        }
        guard let version = root["openapi"]?.string, version.hasPrefix("3.") else {
            throw CommandFailure(
                root["swagger"] == nil
                    ? "the document is not OpenAPI: it has no `openapi`"
                    : "the document is Swagger 2; convert it to OpenAPI 3 first")
        }
    }

    /// What a `$ref` stands for, through several; the value itself where there is none, and null
    /// where the reference leads nowhere.
    func resolved(_ value: JSONValue) -> JSONValue {
        var value = value
        for _ in 0..<Self.hopsMax {
            guard let reference = value["$ref"]?.string else { return value }
            value = target(of: reference) ?? .null
        }
        return .null
    }

    func target(of reference: String) -> JSONValue? {
        guard reference.hasPrefix("#/") else { return nil }
        var value = root
        for token in reference.dropFirst(2).split(separator: "/", omittingEmptySubsequences: false)
        {
            let name = token.replacing("~1", with: "/").replacing("~0", with: "~")
            if let index = Int(name), let element = value.array, element.indices.contains(index) {
                value = element[index]
            } else if let member = value[String(name)] {
                value = member
            } else {
                return nil
            }
        }
        return value
    }
}
