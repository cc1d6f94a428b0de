package import Backends
import Enforcement
package import JSON

/// What a backend is made from; ToolServer's factory turns it into the backend's own options.
package struct BackendSettings: Sendable {
    package enum Kind: Sendable {
        case sqlite(SQLite)
        case http(HTTPSettings)
        case postgres(Postgres)
    }

    package struct Postgres: Sendable {
        /// All but the password, which is read where a connection is made.
        package var options: PostgresOptions
        package var password: Secret?
    }

    package struct SQLite: Sendable {
        /// The database file.
        package var file: String
        /// The script that makes the file when it does not exist.
        package var create: String?
        package var timeout: Duration
    }

    package var name: Name
    package var kind: Kind
}

/// A backend as its file declares it.
struct BackendManifest {
    static let kinds = ["sqlite", "postgres", "http"]
    static let sqliteKeys = KeySet(
        required: ["backend", "kind", "file"], optional: ["$schema", "create", "timeout"])

    let name: Located<Name>
    let settings: BackendSettings

    static func read(_ node: Node, directory: String, files: ManifestFiles) -> BackendManifest? {
        guard let members = node.members() else { return nil }
        guard let kind = members.first(where: { $0.name.isByteEqual(to: "kind") }) else {
            node.report("missing key `kind`, one of \(quoted(kinds))")
            return nil
        }
        guard let word = kind.node.choice(among: kinds) else {
            refuseLiteralSecrets(in: members, directory: directory)
            return nil
        }
        let reader: (KeySet) -> ObjectReader = { ObjectReader(node, members: members, keys: $0) }
        let object: ObjectReader
        let settings: BackendSettings.Kind?
        switch Name(word) {
        case "http":
            object = reader(HTTPManifest.keys)
            settings = HTTPManifest(object: object, directory: directory).settings()
                .map { .http($0) }
        case "postgres":
            object = reader(PostgresManifest.keys)
            settings = PostgresManifest(object: object, directory: directory).settings()
                .map { .postgres($0) }
        default:
            object = reader(sqliteKeys)
            settings = SQLiteReader(object: object, directory: directory, files: files).settings()
                .map { .sqlite($0) }
        }
        guard let nameNode = object["backend"], let name = nameNode.name(), let settings else {
            return nil
        }
        guard name != AccessTool.backend else {
            nameNode.report("is this server's own name in rules; choose another")
            return nil
        }
        return BackendManifest(
            name: nameNode.located(name), settings: BackendSettings(name: name, kind: settings))
    }

    /// Also in a kind that is not known: a literal must not stay in the file.
    private static func refuseLiteralSecrets(in members: [Member], directory: String) {
        for member in members {
            if member.name.isByteEqual(to: "password") { _ = member.node.secret(under: directory) }
            guard member.name.isByteEqual(to: "auth") else { continue }
            for part in member.node.members() ?? [] { _ = part.node.secret(under: directory) }
        }
    }

    private struct SQLiteReader {
        let object: ObjectReader
        let directory: String
        let files: ManifestFiles

        func settings() -> BackendSettings.SQLite? {
            let file = object["file"]?.path(under: directory)
            let create = object["create"].map { script($0) }
            let timeout = object["timeout"].map {
                $0.duration(in: .milliseconds(1)...(.seconds(30)))
            }
            if let name = object["file"], let text = name.string(),
                text.utf8.first == UInt8(ascii: ":") || text.utf8.starts(with: "file:".utf8)
            {
                name.report("must be the path of a file; SQLite's other forms are not served")
                return nil
            }
            guard let file, let timeout = timeout ?? .seconds(5) else { return nil }
            if create == nil, case .failure(let failure) = FileBytes.exists(file) {
                object["file"]?.report("\(failure.reason); name a script with `create` to make it")
                return nil
            }
            if case .some(nil) = create { return nil }
            return BackendSettings.SQLite(file: file, create: create ?? nil, timeout: timeout)
        }

        /// The text of a script that was read with the manifests, so that it is in their digest.
        private func script(_ node: Node) -> String? { node.statement(in: files) }
    }
}

extension Node {
    /// The text of an `.sql` file of the manifests directory that this string names.
    ///
    /// Only names that were read with the directory are found: no path leads out of it, and what
    /// is executed is always part of the digest.
    func statement(in files: ManifestFiles) -> String? {
        guard let name = string() else { return nil }
        guard let file = files.statements[Name(name)] else {
            let known = files.statements.keys.sorted().map(\.text)
            let hint = nearest(name, among: known).map { "; did you mean \(quoted($0))?" }
            report("\(quoted(name)) is no .sql file of the manifests directory\(hint ?? "")")
            return nil
        }
        file.isUsed = true
        return file.statementText(findings: findings)
    }
}

extension ManifestFile {
    /// The file as SQL; nil after reporting what cannot be SQL.
    func statementText(findings: Findings) -> String? {
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            findings.problem("is not UTF-8 text", at: start)
            return nil
        }
        return text
    }
}
