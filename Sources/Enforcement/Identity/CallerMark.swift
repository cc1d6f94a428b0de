import JSON

extension Caller {
    /// Who this is, whatever they may do: whose a grant for a while is. The person or the agent,
    /// for whom it acts and by which client, as one issuer names them; not their groups and
    /// claims, which may be others tomorrow.
    package var principal: Digest32 { whoTheyAre.finish() }

    /// Who this is and what they may be shown, in 32 bytes: what state is bound to. The person,
    /// the agent, the client, the groups, and every claim from which a tool or a backend may take
    /// something; another token of the same person has the same mark.
    package var mark: Digest32 {
        var fields = whoTheyAre
        fields.add(JSONValue.array(groups.sorted().map { .string($0.text) }).canonicalBytes)
        let lasting = claims.members.filter { !Self.ofOneToken.contains(Name($0.name)) }
        fields.add(JSONValue.object(JSONObject(distinct: lasting)).canonicalBytes)
        return fields.finish()
    }

    private var whoTheyAre: FieldDigest {
        var fields = FieldDigest()
        fields.add(issuer)
        fields.add(subject)
        fields.add(kind.rawValue)
        fields.add(onBehalfOf)
        fields.add(clientID)
        return fields
    }

    /// Claims that are others in every token: RFC 7519, OpenID Connect, and what large providers
    /// add. One that is missing here makes a mark end with its token, which is the safe side.
    private static let ofOneToken: Set<Name> = [
        "exp", "iat", "nbf", "jti", "auth_time", "nonce", "at_hash", "c_hash", "s_hash", "sid",
        "session_state", "uti", "aio", "rh", "xms_ftd",
    ]
}
