package import Enforcement
package import JSON

/// Manifests answer one question: what may be called, on what, by whom?
///
/// A directory of JSON files is read in two phases. *Parse* reads every file exactly, where an
/// unknown key is an error; *resolve* ties names to what they name, examines every statement on
/// its backend and compiles every schema. Either the result is one immutable `Catalog`, and what
/// is in it can run, or it is a list of all that is wrong, each entry with file, line, column and
/// path.
///
/// Nothing here may be lenient. A key that is ignored, a rule that is dropped or a default that is
/// guessed would be policy that its author believes in and nobody enforces. Secrets are never
/// read here, only where they are kept.
package struct Catalog: Sendable {
    package let server: ServerSettings
    /// By the bytes of their names.
    package let tools: [Tool]
    package let toolsByName: [Name: Tool]
    package let policy: Policy
    package let backends: [Name: any Backend]
    package let backendSettings: [BackendSettings]
    /// Of the exact bytes of every file, with its name.
    package let digest: String
    package let warnings: [Problem]
    /// What should become of some calls, beside the rules; `check` asks.
    package let cases: [RuleCase]
}

/// What loading needs from outside: how backends are made and how bytes are digested.
package struct CatalogMaker: Sendable {
    package typealias MakeBackend =
        @Sendable (BackendSettings) throws(BackendError) -> any Backend

    package let makeBackend: MakeBackend
    package let digest: @Sendable ([UInt8]) -> String

    package init(
        makeBackend: @escaping MakeBackend, digest: @escaping @Sendable ([UInt8]) -> String
    ) {
        self.makeBackend = makeBackend
        self.digest = digest
    }

    /// All problems at once, or a catalogue without any.
    package func load(directory: String) throws(ManifestError) -> Catalog {
        let findings = Findings()
        let files = ManifestFiles(directory: directory, findings: findings)
        return try load(files, directory: directory, findings: findings)
    }

    /// Files that stand in this directory, or will.
    func load(
        _ files: ManifestFiles, directory: String, findings: Findings
    ) throws(ManifestError) -> Catalog {
        // What the manifests name must not move when the working directory does.
        let directory = absolutePath(of: directory) ?? directory
        let manifests = ParsedManifests(files: files, directory: directory, findings: findings)
        let backends = make(manifests.backends, findings: findings)
        let resolver = Resolver(manifests: manifests, findings: findings) {
            (name, operation, effect) throws(BackendError) in
            guard let backend = backends[name] else {
                throw BackendError(.unavailable, detail: "the backend could not be opened")
            }
            return try backend.examine(operation, effect: effect)
        }
        let tools = resolver.tools(on: Set(backends.keys))
        resolver.checkPrompts(among: tools)
        let policy = resolver.policy(for: tools) { (name) throws(BackendError) in
            try backends[name]?.columns()
        }
        files.reportUnused(settings: manifests.server, directory: directory, findings: findings)
        if let error = findings.error { throw error }
        guard let server = manifests.server else {
            preconditionFailure("a missing server manifest is a problem")
        }
        let asking = AccessTool.make(for: policy.access)
        let all = (tools + (asking.map { [$0] } ?? [])).sorted { $0.name < $1.name }
        var served = backends
        if asking != nil {
            served[AccessTool.backend] = AccessBackend(tools: tools, offers: policy.access)
        }
        return Catalog(
            server: server, tools: all,
            toolsByName: Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) }),
            policy: policy, backends: served,
            backendSettings: manifests.backends.map(\.settings),
            digest: digest(files.digestInput), warnings: findings.sortedWarnings,
            cases: manifests.policy.cases)
    }

    private func make(
        _ manifests: [BackendManifest], findings: Findings
    ) -> [Name: any Backend] {
        var backends: [Name: any Backend] = [:]
        for manifest in manifests {
            do {
                backends[manifest.name.value] = try makeBackend(manifest.settings)
            } catch {
                findings.problem(
                    "cannot be opened: \(printable(error.detail))", at: manifest.name.place)
            }
        }
        return backends
    }
}

extension ManifestFiles {
    /// Names and lengths go in as well, so that no two directories have the same input.
    var digestInput: [UInt8] {
        var input: [UInt8] = []
        for file in all {
            input.append(
                contentsOf: "\(file.name.utf8.count) \(file.name) \(file.bytes.count)\n".utf8)
            input.append(contentsOf: file.bytes)
            input.append(UInt8(ascii: "\n"))
        }
        return input
    }

    /// Files and folders that stand there and do nothing.
    func reportUnused(settings: ServerSettings?, directory: String, findings: Findings) {
        for file in statements.values where !file.isUsed {
            findings.warning("is not used by any tool or backend", at: file.start)
        }
        for folder in strayFolders {
            let state = settings.flatMap { absolutePath(of: $0.stateDirectory) }
            if let state, absolutePath(of: "\(directory)/\(folder)")?.isByteEqual(to: state) == true
            {
                continue
            }
            let near = nearest(folder, among: Self.folders).map { "; did you mean \(quoted($0))?" }
            let place = ManifestFile(name: folder, bytes: []).start
            findings.problem(
                "holds .json files but is not read; manifests stand at the top or in "
                    + quoted(Self.folders) + (near ?? ""), at: place)
        }
    }
}
