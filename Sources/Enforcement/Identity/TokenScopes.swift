import JSON

/// What an issuer was asked to let this client do (RFC 9068 section 2.2.3).
///
/// Only whether a token may be used here at all: which tools its caller may use is for grants, and
/// no answer about a scope says that there is a tool.
enum TokenScopes {
    static func check(_ claims: JSONObject, _ rules: IssuerRules) throws(Refusal) {
        guard !rules.scopes.isEmpty else { return }
        let given = try scopes(in: claims)
        guard rules.scopes.allSatisfy({ given.contains($0) }) else {
            throw Refusal(
                .identityScope,
                "The access token is good, but was not issued for this server's tools. Sign in again and ask the issuer for the scopes that this server names."
            )
        }
    }

    /// `scope` is one text; some write `scp`, as one text or several.
    private static func scopes(in claims: JSONObject) throws(Refusal) -> Set<Name> {
        switch claims["scope"] ?? claims["scp"] {
        case nil: return []
        case .string(let text):
            return Set(
                text.utf8.split(separator: UInt8(ascii: " ")).map { Name(String(Substring($0))) })
        case .array(let listed):
            var scopes: Set<Name> = []
            for element in listed {
                guard let scope = element.string else { throw .invalidToken("scope") }
                scopes.insert(Name(scope))
            }
            return scopes
        default: throw .invalidToken("scope")
        }
    }
}
