/// What a name alone says about the values under it, for whoever writes rules before seeing any.
package enum NameMeaning: Sendable, Equatable {
    /// A credential, which nobody needs to see.
    case secret
    case kind(ValueKind)

    /// nil for a name that says nothing.
    package init?(_ name: String) {
        let bytes = Array(name.utf8)
        switch NamedValues.name(bytes.span) {
        case .password, .secret: self = .secret
        case .identifier(let kind): self = .kind(kind)
        case nil: return nil
        }
    }
}
