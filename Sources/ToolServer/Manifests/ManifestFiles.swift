import Glibc
import JSON

/// One file of the manifests, whole and unchanging from here on: what is checked is what is
/// digested is what runs.
final class ManifestFile {
    /// Relative to the manifests directory, with `/`.
    let name: String
    let bytes: [UInt8]
    /// Lines and columns are only counted for files that have a problem.
    private(set) lazy var source = SourceText(bytes)
    /// For `.sql` files: set when something refers to it.
    var isUsed = false

    init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }

    var start: Place { Place(file: self, offset: 0, path: "") }
}

/// The bytes of a manifests directory: `*.json` and `*.sql` at its top and in the folders below.
///
/// Everything is read once and before anything is judged, so that a file changed during the load
/// cannot be checked in one form and used in another.
struct ManifestFiles {
    /// Convention only: what a file declares is decided by its first key.
    static let folders = ["backends", "policy", "tools"]

    /// What a manifest may have been named by mistake.
    static let strayEndings = [".json", ".jsonc", ".json5", ".yaml", ".yml"]

    static let fileCountMax = 5_000
    static let fileBytesMax = 1 << 20
    static let totalBytesMax = 64 << 20

    private(set) var manifests: [ManifestFile] = []
    private(set) var statements: [Name: ManifestFile] = [:]
    /// Folders beside those above that hold `.json` files: one whose name is misspelt must not
    /// switch off the policy in it.
    private(set) var strayFolders: [String] = []
    private var totalBytes = 0

    /// False once the directory could be listed.
    private(set) var isUnreadable = true

    /// In the order of their names, which is the order of the digest.
    var all: [ManifestFile] {
        (manifests + statements.values).sorted { Name($0.name) < Name($1.name) }
    }

    init(directory: String, findings: Findings) {
        let whole = ManifestFile(name: directory, bytes: [])
        guard let entries = directoryEntries(directory) else {
            findings.problem("cannot be read as a directory", at: whole.start)
            return
        }
        isUnreadable = false
        read(entries, of: "", under: directory, findings: findings)
        for entry in entries where !isManifest(entry) {
            if Self.folders.contains(where: { $0.isByteEqual(to: entry) }) {
                readFolder(entry, under: directory, findings: findings)
            } else {
                noteStray(entry, under: directory, findings: findings)
            }
        }
        manifests.sort { Name($0.name) < Name($1.name) }
    }

    /// Manifests that stand in no directory.
    init(_ files: [ManifestFile], findings: Findings) {
        isUnreadable = false
        for file in files { add(file, findings: findings) }
    }

    private mutating func read(
        _ entries: [String], of folder: String, under directory: String, findings: Findings
    ) {
        for entry in entries where isManifest(entry) {
            let name = folder + entry
            guard manifests.count + statements.count < Self.fileCountMax else {
                let place = ManifestFile(name: name, bytes: []).start
                return findings.problem("more than \(Self.fileCountMax) files", at: place)
            }
            switch FileBytes.read("\(directory)/\(name)", atMost: Self.fileBytesMax) {
            case .failure(let failure):
                findings.problem(failure.reason, at: ManifestFile(name: name, bytes: []).start)
            case .success(let bytes):
                add(ManifestFile(name: name, bytes: bytes), findings: findings)
            }
        }
    }

    private mutating func add(_ file: ManifestFile, findings: Findings) {
        totalBytes += file.bytes.count
        guard totalBytes <= Self.totalBytesMax else {
            return findings.problem(
                "more than \(Self.totalBytesMax >> 20) MB of manifests", at: file.start)
        }
        if hasSuffix(file.name, ".sql") {
            statements[Name(file.name)] = file
        } else {
            manifests.append(file)
        }
    }

    /// A folder of policy that cannot be read must not look like one without rules.
    private mutating func readFolder(
        _ folder: String, under directory: String, findings: Findings
    ) {
        guard let entries = directoryEntries("\(directory)/\(folder)") else {
            let place = ManifestFile(name: folder, bytes: []).start
            return findings.problem("cannot be read as a directory", at: place)
        }
        read(entries, of: "\(folder)/", under: directory, findings: findings)
        for entry in entries where !isManifest(entry) {
            noteStray("\(folder)/\(entry)", under: directory, findings: findings)
        }
    }

    private mutating func noteStray(_ name: String, under directory: String, findings: Findings) {
        if Self.strayEndings.contains(where: { hasSuffix(lowercased(Name(name)).text, $0) }) {
            let place = ManifestFile(name: name, bytes: []).start
            findings.problem("is not read; a manifest's name ends in .json", at: place)
        }
        let below = directoryEntries("\(directory)/\(name)") ?? []
        if below.contains(where: { hasSuffix($0, ".json") }) { strayFolders.append(name) }
    }
}

private func isManifest(_ name: String) -> Bool {
    hasSuffix(name, ".json") || hasSuffix(name, ".sql")
}

func hasSuffix(_ text: String, _ suffix: String) -> Bool {
    text.utf8.count > suffix.utf8.count
        && text.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
}

/// The names in a directory, sorted, without hidden ones (Kubernetes keeps its own links there);
/// nil when it is not a directory that can be read to its end.
private func directoryEntries(_ path: String) -> [String]? {
    guard let directory = unsafe opendir(path) else { return nil }
    defer { unsafe _ = closedir(directory) }
    var names: [String] = []
    errno = 0
    while let entry = unsafe readdir(directory) {
        let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name.utf8.first != UInt8(ascii: ".") { names.append(name) }
        if names.count > ManifestFiles.fileCountMax * 2 { return nil }
        errno = 0
    }
    guard errno == 0 else { return nil }
    return names.sorted { Name($0) < Name($1) }
}

/// Without links and `..`; nil for what does not exist.
func absolutePath(of path: String) -> String? {
    guard let resolved = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
}
