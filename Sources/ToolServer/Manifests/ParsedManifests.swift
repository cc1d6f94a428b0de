import Enforcement
import JSON

/// The result of the first phase: every file read exactly, nothing tied together yet.
struct ParsedManifests {
    /// The first key of a file, `$schema` aside, says what it declares.
    enum Kind: CaseIterable {
        case server, backend, tool, policy

        var firstKeys: [String] {
            switch self {
            case .server: ["server"]
            case .backend: ["backend"]
            case .tool: ["tool"]
            case .policy: ["grants", "access", "rules"]
            }
        }
    }

    private(set) var server: ServerSettings?
    private(set) var backends: [BackendManifest] = []
    private(set) var tools: [ToolManifest] = []
    private(set) var policy = PolicyManifest()

    /// Names that stand in some file, even in one with problems: what refers to them is not wrong.
    private(set) var declaredBackends: Set<Name> = []
    private var serverPlace: Place?
    private var firstPlaces: [Kind: [Name: Place]] = [:]

    init(files: ManifestFiles, directory: String, findings: Findings) {
        var isRecognised = !files.isUnreadable
        for file in files.manifests {
            guard let node = Self.document(file, findings: findings),
                let members = node.members(), let kind = Self.kind(of: members, in: node)
            else {
                isRecognised = false
                continue
            }
            switch kind {
            case .server: readServer(node, members, directory: directory)
            case .backend: readBackend(node, members, directory: directory, files: files)
            case .tool: readTool(node, members, files: files)
            case .policy:
                policy.read(ObjectReader(node, members: members, keys: PolicyManifest.keys))
            }
        }
        // A file that cannot be told apart may be the one: its own report says enough.
        if serverPlace == nil && isRecognised {
            let place = ManifestFile(name: "server.json", bytes: []).start
            findings.problem("missing: a file whose first key is `server`", at: place)
        }
    }

    private static func document(_ file: ManifestFile, findings: Findings) -> Node? {
        do {
            let value = try JSONParser.parseManifest(file.bytes)
            let place = Place(file: file, offset: value.offset, path: "")
            return Node(value: value, place: place, findings: findings)
        } catch {
            let place = Place(file: file, offset: error.offset, path: "")
            findings.problem(error.message, at: place)
            return nil
        }
    }

    private static func kind(of members: [Member], in node: Node) -> Kind? {
        let known = Kind.allCases.flatMap(\.firstKeys)
        guard let first = members.first(where: { !$0.name.isByteEqual(to: "$schema") }) else {
            node.report("must declare something: its first key is one of \(quoted(known))")
            return nil
        }
        let kind = Kind.allCases.first { kind in
            kind.firstKeys.contains { $0.isByteEqual(to: first.name) }
        }
        if kind == nil {
            let hint = nearest(first.name, among: known).map { "; did you mean \(quoted($0))?" }
            node.findings.problem(
                "the first key must be one of \(quoted(known))" + (hint ?? ""), at: first.namePlace)
        }
        return kind
    }

    private mutating func readServer(_ node: Node, _ members: [Member], directory: String) {
        if let serverPlace {
            return node.report("a second server manifest; the first is \(serverPlace.file.name)")
        }
        serverPlace = node.place
        let countBefore = node.findings.problemCount
        let object = ObjectReader(node, members: members, keys: ServerManifest.keys)
        let settings = ServerManifest.read(object, directory: directory)
        // Commands that need no tools take these settings whatever is wrong in other files.
        if node.findings.problemCount == countBefore { server = settings }
    }

    private mutating func readBackend(
        _ node: Node, _ members: [Member], directory: String, files: ManifestFiles
    ) {
        if let name = members.first(where: { $0.name.isByteEqual(to: "backend") }) {
            guard isFirst(.backend, name.node) else { return }
            if case .string(let text) = name.node.value.content {
                declaredBackends.insert(Name(text))
            }
        }
        guard let backend = BackendManifest.read(node, directory: directory, files: files) else {
            return
        }
        backends.append(backend)
    }

    private mutating func readTool(_ node: Node, _ members: [Member], files: ManifestFiles) {
        if let name = members.first(where: { $0.name.isByteEqual(to: "tool") }) {
            guard isFirst(.tool, name.node) else { return }
        }
        let object = ObjectReader(node, members: members, keys: ToolManifest.keys)
        if let tool = ToolManifest.read(object, files: files) { tools.append(tool) }
    }

    /// Reports a name that another file has already declared.
    private mutating func isFirst(_ kind: Kind, _ node: Node) -> Bool {
        guard case .string(let text) = node.value.content else { return true }
        if let first = firstPlaces[kind]?[Name(text)] {
            node.report("\(quoted(text)) is already declared at \(first.reference)")
            return false
        }
        firstPlaces[kind, default: [:]][Name(text)] = node.place
        return true
    }
}
