import JSON

/// Where a secret is found. The secret itself is never a part of a manifest, of the catalogue or
/// of a digest.
package enum Secret: Sendable {
    case environment(String)
    case file(String)
    /// A command whose output it is, run again before the secret expires.
    case command([String])
}

extension Node {
    static let secretKeys = KeySet(required: [], optional: ["env", "file", "exec"])

    /// The value is never repeated in the message: it may be the real one.
    func secret(under directory: String) -> Secret? {
        guard case .object = value.content else {
            report("a secret must be a reference: {\"env\": …}, {\"file\": …} or {\"exec\": […]}")
            return nil
        }
        guard let object = object(Self.secretKeys) else { return nil }
        let given = Self.secretKeys.all.filter { object[$0] != nil }
        guard given.count == 1 else {
            report("a secret must have exactly one of `env`, `file`, `exec`")
            return nil
        }
        if let variable = object["env"] { return variable.name().map { .environment($0.text) } }
        if let file = object["file"] { return file.path(under: directory).map { .file($0) } }
        guard let words = object["exec"]?.someElements() else { return nil }
        let command = words.compactMap { $0.prose(atMost: 1_024) }
        return command.count == words.count ? .command(command) : nil
    }
}
