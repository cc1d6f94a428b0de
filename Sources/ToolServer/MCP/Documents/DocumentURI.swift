import JSON

/// What a resource of this server is about, by its URI. The names in it are those of manifests,
/// which need no escapes.
enum DocumentURI {
    /// The documentation of a tool.
    case tool(Name)
    /// What the caller may know of a backend's data.
    case data(backend: Name)

    private static let toolPrefix = "toolserver://tools/"
    private static let dataPrefix = "toolserver://data/"

    static let toolTemplate = toolPrefix + "{tool}"
    static let dataTemplate = dataPrefix + "{backend}"

    init?(_ text: String) {
        if let name = Self.rest(of: text, after: Self.toolPrefix) {
            self = .tool(name)
        } else if let name = Self.rest(of: text, after: Self.dataPrefix) {
            self = .data(backend: name)
        } else {
            return nil
        }
    }

    var text: String {
        switch self {
        case .tool(let name): Self.toolPrefix + name.text
        case .data(let backend): Self.dataPrefix + backend.text
        }
    }

    private static func rest(of text: String, after prefix: String) -> Name? {
        guard text.utf8.starts(with: prefix.utf8) else { return nil }
        return Name(String(Substring(text.utf8.dropFirst(prefix.utf8.count))))
    }
}
