import Enforcement
import JSON

/// From an OpenAPI 3.0 or 3.1 document to manifests: one backend, a tool for each operation that a
/// model can call, and a policy that proposes who may.
///
/// What cannot be carried over is left out and said so: a tool that sends something else than its
/// author meant is worse than none.
struct OpenAPIImport {
    /// Names the backend; scopes begin with it.
    let backend: Name
    let document: OpenAPISource
    /// In place of the document's own `servers`.
    let baseURL: String?

    private static let methods = ["get", "post", "put", "patch", "delete"]
    /// What describes a path and is no operation.
    private static let pathKeys = ["parameters", "summary", "description", "servers", "$ref"]

    func result() throws(CommandFailure) -> ImportResult {
        var result = ImportResult(backend: backend)
        result.files.append(try backendFile(&result.notes))
        var names = UniqueNames()
        var scopes: Set<Name> = []
        for path in document.root["paths"]?.object?.members ?? [] {
            guard let item = document.resolved(path.value).object else { continue }
            for member in item.members {
                let place = "\(member.name.uppercased()) \(path.name)"
                if Self.pathKeys.contains(where: { $0.isByteEqual(to: member.name) })
                    || member.name.hasPrefix("x-")
                {
                    continue
                }
                guard Self.methods.contains(where: { $0.isByteEqual(to: member.name) }) else {
                    result.notes.append("\(place): left out, no tool sends this method")
                    continue
                }
                var tool = ImportedTool(
                    path: path.name, method: member.name.uppercased(), item: item,
                    operation: member.value.object ?? JSONObject(), document: document,
                    backend: backend)
                do throws(ImportedTool.Omitted) {
                    let name = names.unique(tool.preferredName)
                    result.files.append(try tool.file(named: name))
                    scopes.insert(tool.scope)
                    result.toolCount += 1
                    result.notes += tool.notes.map { "\(place): \($0)" }
                } catch {
                    result.notes.append("\(place): left out, \(error.reason)")
                }
            }
        }
        guard result.toolCount > 0 else {
            throw CommandFailure("the document has no operation that a tool could call")
        }
        result.files.append(policyFile(scopes))
        return result
    }

    // MARK: The backend

    private func backendFile(_ notes: inout [String]) throws(CommandFailure) -> ImportedFile {
        var manifest = JSONObject(distinct: [
            ("backend", .string(backend.text)), ("kind", "http"),
            ("baseURL", .string(try base())),
        ])
        manifest["auth"] = OpenAPIAuth(document: document, backend: backend).manifest(&notes)
        let title = document.root["info"]?["title"]?.string ?? backend.text
        let version = document.root["info"]?["version"]?.string ?? "?"
        return ImportedFile(
            name: "backends/\(backend).json", comments: ["\(title), version \(version)."],
            manifest: .object(manifest))
    }

    private func base() throws(CommandFailure) -> String {
        var text = baseURL ?? serverURL()
        while text.hasSuffix("/") { text.removeLast() }
        guard text.hasPrefix("https://") || text.hasPrefix("http://") else {
            throw CommandFailure(
                "the document does not say where the API is (its server is `\(text)`); give --base-url https://…"
            )
        }
        return text
    }

    /// The first server, with the defaults of its variables.
    private func serverURL() -> String {
        guard let server = document.root["servers"]?.array?.first,
            var url = server["url"]?.string
        else { return "" }
        for variable in server["variables"]?.object?.members ?? [] {
            let value = variable.value["default"]?.string ?? ""
            url = url.replacing("{\(variable.name)}", with: value)
        }
        return url
    }

    // MARK: Who may

    private func policyFile(_ scopes: Set<Name>) -> ImportedFile {
        let grants = scopes.sorted().map { scope -> JSONValue in
            [
                "grant": [.string(scope.text)],
                "to": [
                    "groups": [.string("\(backend)-\(scope.text.split(separator: ".").last ?? "")")]
                ],
            ]
        }
        return ImportedFile(
            name: "policy/\(backend).json",
            comments: ["A proposal: name the groups that may read, and those that may change."],
            manifest: ["grants": .array(grants), "rules": []])
    }
}
