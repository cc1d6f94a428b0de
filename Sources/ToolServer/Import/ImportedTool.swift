import Enforcement
import JSON

/// One operation as a tool.
struct ImportedTool {
    /// Why there is no tool, in words that follow "left out,".
    struct Omitted: Error {
        let reason: String
    }

    let path: String
    let method: String
    let item: JSONObject
    let operation: JSONObject
    let document: OpenAPISource
    let backend: Name
    private(set) var notes: [String] = []
    private var inputs: [Input] = []
    private var schemas: ImportedSchema

    private struct Input {
        let name: String
        var schema: JSONObject
        let isRequired: Bool

        /// Whether the short form can say it.
        var isShort: Bool {
            guard let type = schema["type"]?.string,
                InputManifest.scalarTypes.contains(where: { $0.isByteEqual(to: type) })
            else { return false }
            return schema.members.allSatisfy { member in
                InputManifest.propertyKeys.all.contains { $0.isByteEqual(to: member.name) }
            }
        }
    }

    init(
        path: String, method: String, item: JSONObject, operation: JSONObject,
        document: OpenAPISource, backend: Name
    ) {
        self.path = path
        self.method = method
        self.item = item
        self.operation = operation
        self.document = document
        self.backend = backend
        schemas = ImportedSchema(document: document)
    }

    /// Whether it only reads is the method's word; whoever knows better changes `effect`.
    private var isRead: Bool { method.isByteEqual(to: "GET") }
    var scope: Name { Name("\(backend).\(isRead ? "read" : "write")") }

    var preferredName: String {
        let given = operation["operationId"]?.string.map { ImportedName.snake($0) }
        return given ?? ImportedName.snake("\(method.lowercased()) \(path)")
    }

    mutating func file(named name: Name) throws(Omitted) -> ImportedFile {
        var http = JSONObject(distinct: [("method", .string(method)), ("path", "")])
        try addParameters(to: &http)
        try addBody(to: &http)
        var manifest = JSONObject(distinct: [
            ("tool", .string(name.text)), ("title", .string(title(name))),
            ("description", .string(description(name))), ("backend", .string(backend.text)),
            ("scope", .string(scope.text)), ("effect", isRead ? "read" : "write"),
        ])
        let tags = (operation["tags"]?.array ?? []).prefix(5).compactMap(\.string).map {
            JSONValue.string(ImportedName.snake($0))
        }
        if !tags.isEmpty { manifest["tags"] = .array(tags) }
        try dropWhatIsTooMuch(in: &http)
        addInputs(to: &manifest)
        manifest["http"] = .object(http)
        if let form = try answerForm() { manifest["result"] = ["as": form] }
        if schemas.isCut { notes.append("deep or recursive parts of its arguments are open") }
        return ImportedFile(
            name: "tools/\(name).json", manifest: .object(manifest))
    }

    // MARK: What Claude reads

    private func title(_ name: Name) -> String {
        let given = ImportedName.prose(operation["summary"]?.string ?? "", atMost: 110)
        return given.utf8.isEmpty ? name.text.replacing("_", with: " ") : given
    }

    private func description(_ name: Name) -> String {
        let given = operation["description"]?.string ?? operation["summary"]?.string ?? ""
        var text = ImportedName.prose(given, atMost: 600)
        if text.utf8.isEmpty { text = title(name) + "." }
        if operation["deprecated"]?.bool == true { text += " Deprecated." }
        return text
    }

    // MARK: Where arguments go

    private mutating func addParameters(to http: inout JSONObject) throws(Omitted) {
        var query = JSONObject()
        var headers = JSONObject()
        var path = self.path
        for parameter in parameters() {
            guard let name = parameter["name"]?.string, let place = parameter["in"]?.string else {
                continue
            }
            let isRequired = parameter["required"]?.bool == true || place == "path"
            do throws(Omitted) {
                switch place {
                case "path":
                    guard path.utf8.firstRange(of: "{\(name)}".utf8) != nil else { continue }
                    let input = try addScalar(parameter, name, isRequired: true)
                    path = path.replacing("{\(name)}", with: "{\(input)}")
                case "query":
                    query[name] = .string(
                        "{\(try addScalar(parameter, name, isRequired: isRequired))}")
                case "header":
                    if HTTPToolManifest.ownHeaders.contains(Name(name.lowercased())) { continue }
                    guard name.utf8.allSatisfy({ isWordByte($0) && $0 != UInt8(ascii: "_") }) else {
                        throw Omitted(reason: "the header `\(name)` is no name for one")
                    }
                    headers[name] = .string(
                        "{\(try addScalar(parameter, name, isRequired: isRequired))}")
                default: throw Omitted(reason: "a parameter in `\(place)` is not sent")
                }
            } catch {
                if isRequired { throw error }
                notes.append("`\(name)` left out, \(error.reason)")
            }
        }
        http["path"] = .string(try checked(path))
        if !query.isEmpty { http["query"] = .object(query) }
        if !headers.isEmpty { http["headers"] = .object(headers) }
    }

    /// The operation's own before those of its path.
    private func parameters() -> [JSONObject] {
        var seen: Set<Name> = []
        let all = (operation["parameters"]?.array ?? []) + (item["parameters"]?.array ?? [])
        return all.compactMap { document.resolved($0).object }.filter { parameter in
            let key = "\(parameter["in"]?.string ?? "") \(parameter["name"]?.string ?? "")"
            return seen.insert(Name(key)).inserted
        }
    }

    private func checked(_ path: String) throws(Omitted) -> String {
        // As the manifest reads it: every placeholder is an input, and no odd bytes.
        let names = inputs.map(\.name)
        var rest = path[...]
        while let open = rest.firstIndex(of: "{") {
            guard let close = rest[open...].firstIndex(of: "}"),
                names.contains(where: {
                    $0.isByteEqual(to: String(rest[rest.index(after: open)..<close]))
                })
            else { throw Omitted(reason: "its path has a placeholder without a parameter") }
            rest = rest[rest.index(after: close)...]
        }
        let isPlain = path.utf8.allSatisfy { byte in
            isWordByte(byte) || "-._~!$'()*+,:@=&/{}".utf8.contains(byte)
        }
        guard isPlain, path.hasPrefix("/"), path.utf8.firstRange(of: "//".utf8) == nil else {
            throw Omitted(reason: "its path has parts that no tool's path may have")
        }
        return path
    }

    /// The name of the input.
    private mutating func addScalar(
        _ parameter: JSONObject, _ name: String, isRequired: Bool
    ) throws(Omitted) -> String {
        let schema =
            parameter["schema"] ?? parameter["content"]?["application/json"]?["schema"] ?? [:]
        let whole = schemas.simplified(schema)
        guard var simple = scalar(whole) else {
            throw Omitted(reason: "`\(name)` is no single value")
        }
        if whole["type"] == "array" { notes.append("`\(name)` takes one value of its list") }
        if let text = parameter["description"]?.string {
            let prose = ImportedName.prose(text, atMost: 300)
            if !prose.isEmpty { simple["description"] = .string(prose) }
        }
        return add(name, simple, isRequired: isRequired)
    }

    /// A list in a query may be given with one element, which most servers take.
    private func scalar(_ schema: JSONValue) -> JSONObject? {
        guard var object = schema.object else { return nil }
        if object["type"]?.string?.isByteEqual(to: "array") == true {
            return object["items"].flatMap(scalar)
        }
        if let branches = object["anyOf"]?.array { return branches.lazy.compactMap(scalar).first }
        let types = (object["type"]?.array ?? object["type"].map { [$0] } ?? []).filter { type in
            InputManifest.scalarTypes.contains { type.string?.isByteEqual(to: $0) == true }
        }
        guard object["type"] == nil || !types.isEmpty else { return nil }
        object["type"] = types.first ?? "string"
        object["const"] = nil
        if let values = object["enum"]?.array {
            object["enum"] = .array(values.filter { $0 != .null })
        }
        return (try? JSONSchema(.object(object))) == nil
            ? JSONObject(distinct: [("type", types.first ?? "string")]) : object
    }

    private mutating func add(
        _ name: String, _ schema: JSONObject, isRequired: Bool
    ) -> String {
        var names = UniqueNames()
        for input in inputs { _ = names.unique(input.name) }
        let unique = names.unique(ImportedName.snake(name))
        inputs.append(Input(name: unique.text, schema: schema, isRequired: isRequired))
        return unique.text
    }

    // MARK: The body

    private mutating func addBody(to http: inout JSONObject) throws(Omitted) {
        guard let given = operation["requestBody"] else { return }
        let body = document.resolved(given)
        let isRequired = body["required"]?.bool == true
        guard !isRead else { return notes.append("its body left out: a GET has none") }
        let contents = body["content"]?.object?.members ?? []
        if let json = contents.first(where: { Self.isJSON($0.name) }) {
            let schema = json.value["schema"] ?? [:]
            http["body"] = jsonBody(schemas.simplified(schema), isRequired: isRequired)
        } else if let form = contents.first(where: {
            $0.name.hasPrefix("application/x-www-form-urlencoded")
        }) {
            http["form"] = try formBody(schemas.simplified(form.value["schema"] ?? [:]))
        } else if isRequired {
            throw Omitted(
                reason: "its body is \(contents.first?.name ?? "of no kind"), which no tool sends")
        } else {
            notes.append("its body left out, no tool sends \(contents.first?.name ?? "it")")
        }
        if http["form"]?.object?.isEmpty == true { http["form"] = nil }
    }

    private static func isJSON(_ mediaType: String) -> Bool {
        let name = mediaType.prefix { $0 != ";" }
        return name == "application/json" || name.hasSuffix("+json") || name == "*/*"
    }

    /// The members of an object are inputs of their own; anything else is one.
    private mutating func jsonBody(_ schema: JSONValue, isRequired: Bool) -> JSONValue {
        guard let properties = schema["properties"]?.object, !properties.isEmpty,
            properties.count <= InputManifest.countMax / 2,
            schema["type"]?.string?.isByteEqual(to: "object") == true
        else {
            var whole = schema.object ?? JSONObject()
            if whole["type"] == nil { whole["type"] = "object" }
            return .string("{\(add("body", whole, isRequired: isRequired))}")
        }
        let required = schema["required"]?.array ?? []
        return .object(
            JSONObject(
                distinct: properties.members.map { property in
                    var value = property.value.object ?? JSONObject()
                    if value["type"] == nil { value["type"] = "object" }
                    let isNeeded = isRequired && required.contains(.string(property.name))
                    let input = add(property.name, value, isRequired: isNeeded)
                    return (name: property.name, value: .string("{\(input)}"))
                }))
    }

    private mutating func formBody(_ schema: JSONValue) throws(Omitted) -> JSONValue {
        let required = schema["required"]?.array ?? []
        var form = JSONObject()
        var dropped: [String] = []
        for property in schema["properties"]?.object?.members ?? [] {
            let isNeeded = required.contains(.string(property.name))
            // A form has no agreed way to spell a list or an object.
            guard property.value["type"] != "array", let simple = scalar(property.value) else {
                guard !isNeeded else {
                    throw Omitted(reason: "`\(property.name)` of its form is no single value")
                }
                dropped.append(property.name)
                continue
            }
            form[property.name] = .string("{\(add(property.name, simple, isRequired: isNeeded))}")
        }
        if !dropped.isEmpty {
            notes.append(
                "not single values, left out of its form: \(dropped.joined(separator: ", "))")
        }
        return .object(form)
    }

    // MARK: The manifest

    /// Nobody fills in more; the optional ones at the end are the least of a loss.
    private mutating func dropWhatIsTooMuch(in http: inout JSONObject) throws(Omitted) {
        while inputs.count > InputManifest.countMax {
            guard let last = inputs.lastIndex(where: { !$0.isRequired }) else {
                throw Omitted(reason: "it needs more than \(InputManifest.countMax) arguments")
            }
            let name = inputs.remove(at: last).name
            for part in ["query", "headers", "form", "body"] {
                guard let members = http[part]?.object?.members else { continue }
                http[part] = .object(
                    JSONObject(distinct: members.filter { $0.value != .string("{\(name)}") }))
            }
            notes.append("`\(name)` left out, there are more than \(InputManifest.countMax)")
        }
    }

    private func addInputs(to manifest: inout JSONObject) {
        guard !inputs.isEmpty else { return }
        guard inputs.allSatisfy(\.isShort) else {
            let required = inputs.filter(\.isRequired).map { JSONValue.string($0.name) }
            var schema = JSONObject(distinct: [
                ("type", "object"),
                (
                    "properties",
                    .object(
                        JSONObject(
                            distinct: inputs.map { (name: $0.name, value: .object($0.schema)) }))
                ),
            ])
            if !required.isEmpty { schema["required"] = .array(required) }
            schema["additionalProperties"] = false
            manifest["inputSchema"] = .object(schema)
            return
        }
        manifest["input"] = .object(
            JSONObject(
                distinct: inputs.map { input in
                    var short = input.schema
                    if !input.isRequired { short["optional"] = true }
                    return (name: input.name, value: .object(short))
                }))
    }

    /// nil for JSON, which is the usual.
    private func answerForm() throws(Omitted) -> JSONValue? {
        let responses = operation["responses"]?.object?.members ?? []
        let good =
            responses.first { $0.name.hasPrefix("2") }
            ?? responses.first {
                $0.name == "default"
            }
        let contents = good.map { document.resolved($0.value)["content"]?.object?.members ?? [] }
        guard let contents, let first = contents.first,
            !contents.contains(where: { Self.isJSON($0.name) })
        else { return nil }
        if first.name.hasPrefix("text/event-stream") {
            throw Omitted(reason: "its answer is a stream")
        }
        let isText = first.name.hasPrefix("text/") || first.name.hasSuffix("xml")
        return isText ? "text" : "binary"
    }
}
