package import JSON

/// A value that the caller's identity decides: `{caller.subject}`, `agent_{group}`,
/// `{caller.claims.tenant}`. The model neither sees nor sets it.
package struct CallerTemplate: Sendable {
    package enum Part: Sendable, Equatable {
        case text(String)
        case subject, issuer, kind, clientID
        /// The person an agent acts for; the caller where there is none.
        case person
        /// The one group of the caller that is meant; which one is decided where it is used.
        case group
        case claim(Name)
    }

    package let parts: [Part]

    /// Nil for a placeholder that does not exist; a brace that is meant as text cannot be written.
    package init?(_ text: String) {
        var parts: [Part] = []
        var rest = text.utf8[...]
        while !rest.isEmpty {
            guard let open = rest.firstIndex(of: UInt8(ascii: "{")) else {
                guard !rest.contains(UInt8(ascii: "}")) else { return nil }
                parts.append(.text(String(decoding: rest, as: UTF8.self)))
                break
            }
            let before = rest[..<open]
            guard !before.contains(UInt8(ascii: "}")),
                let close = rest[open...].firstIndex(of: UInt8(ascii: "}")),
                let part = Self.part(
                    String(decoding: rest[rest.index(after: open)..<close], as: UTF8.self))
            else { return nil }
            if !before.isEmpty { parts.append(.text(String(decoding: before, as: UTF8.self))) }
            parts.append(part)
            rest = rest[rest.index(after: close)...]
        }
        self.parts = parts
    }

    private static func part(_ name: String) -> Part? {
        switch Name(name) {
        case "caller.subject": return .subject
        case "caller.issuer": return .issuer
        case "caller.kind": return .kind
        case "caller.person": return .person
        case "client.id": return .clientID
        case "group": return .group
        default:
            let prefix = "caller.claims."
            guard name.utf8.starts(with: prefix.utf8), name.utf8.count > prefix.utf8.count else {
                return nil
            }
            return .claim(
                Name(String(decoding: name.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)))
        }
    }

    package var usesGroup: Bool { parts.contains(.group) }

    /// The value for this caller: of its own JSON type where the template is one placeholder, else
    /// text. Throws where the caller has no such thing: nothing stands in for it.
    package func value(
        for caller: Caller, group: Name? = nil
    ) throws(BackendError) -> JSONValue {
        if parts.count == 1 { return try Self.value(of: parts[0], for: caller, group: group) }
        var text = ""
        for part in parts {
            switch try Self.value(of: part, for: caller, group: group) {
            case .string(let string): text += string
            case .number(let number): text += number.text
            case .bool(let flag): text += flag ? "true" : "false"
            case .null, .array, .object: throw Self.missing(part)
            }
        }
        return .string(text)
    }

    private static func value(
        of part: Part, for caller: Caller, group: Name?
    ) throws(BackendError) -> JSONValue {
        switch part {
        case .text(let text): return .string(text)
        case .subject: return .string(caller.subject)
        case .issuer: return .string(caller.issuer)
        case .kind: return .string(caller.kind.rawValue)
        case .person: return .string(caller.onBehalfOf ?? caller.subject)
        case .clientID:
            guard let client = caller.clientID else { throw missing(part) }
            return .string(client)
        case .group:
            guard let group else { throw missing(part) }
            return .string(group.text)
        case .claim(let name):
            switch caller.claims[name.text] {
            case nil, .null: throw missing(part)
            case let value?: return value
            }
        }
    }

    private static func missing(_ part: Part) -> BackendError {
        let what =
            switch part {
            case .claim(let name): "the claim `\(name)`"
            case .group: "a group that decides"
            default: "a client id"
            }
        return BackendError(.identity, detail: what)
    }
}
