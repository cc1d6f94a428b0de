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

    struct Result {
        var files: [ImportedFile] = []
        var notes: [String] = []
        var toolCount = 0
    }

    private static let methods = ["get", "post", "put", "patch", "delete"]
    /// What describes a path and is no operation.
    private static let pathKeys = ["parameters", "summary", "description", "servers", "$ref"]

    func result() throws(CommandFailure) -> Result {
        var result = Result()
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

/// One manifest, to be written.
struct ImportedFile {
    /// From the manifests directory.
    let name: String
    let comments: [String]
    let manifest: JSONValue

    var text: String {
        comments.map { "// \($0)\n" }.joined() + manifest.laidOut(columns: 120) + "\n"
    }
}

/// Names of tools that are taken.
struct UniqueNames {
    private var taken: Set<Name> = []

    mutating func unique(_ wanted: String) -> Name {
        var name = Name(wanted)
        var number = 2
        while !taken.insert(name).inserted {
            name = Name("\(wanted.prefix(60))_\(number)")
            number += 1
        }
        return name
    }
}

/// Words of a document as names of the dialect.
enum ImportedName {
    /// `listPetsByID` → `list_pets_by_id`; letters, digits and `_`, at most `limit` bytes.
    static func snake(_ text: String, atMost limit: Int = 60) -> String {
        var out: [UInt8] = []
        var previous: UInt8 = 0
        let bytes = Array(text.utf8)
        for (index, byte) in bytes.enumerated() {
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0
            if isUpper(byte) {
                let beginsWord = isLower(previous) || isUpper(previous) && isLower(next)
                if beginsWord, out.last != UInt8(ascii: "_"), !out.isEmpty {
                    out.append(UInt8(ascii: "_"))
                }
                out.append(byte | 0x20)
            } else if isWordByte(byte), byte != UInt8(ascii: "-"), byte != UInt8(ascii: "_") {
                out.append(byte)
            } else if !out.isEmpty, out.last != UInt8(ascii: "_") {
                out.append(UInt8(ascii: "_"))
            }
            previous = byte
        }
        out = Array(out.prefix(limit))
        while out.last == UInt8(ascii: "_") { out.removeLast() }
        guard let first = out.first else { return "value" }
        let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
        return (isDigit ? "_" : "") + String(decoding: out, as: UTF8.self)
    }

    private static func isUpper(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    private static func isLower(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// On one line, without mark-up and what nobody sees; cut at a word.
    static func prose(_ text: String, atMost limit: Int) -> String {
        var out = ""
        var isInTag = false
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": isInTag = true
            case ">" where isInTag: isInTag = false
            case _ where isInTag: continue
            case _ where scalar.properties.isWhitespace || scalar.value < 0x20:
                if !out.isEmpty, out.utf8.last != 0x20 { out.append(" ") }
            case _ where isHidden(scalar): continue
            default: out.unicodeScalars.append(scalar)
            }
        }
        if out.utf8.count > limit {
            var cut = ""
            for word in out.split(separator: " ") {
                guard cut.utf8.count + word.utf8.count + 4 < limit else { break }
                cut += (cut.isEmpty ? "" : " ") + word
            }
            out = cut + " …"
        }
        while out.utf8.last == 0x20 { out.removeLast() }
        return out
    }
}
