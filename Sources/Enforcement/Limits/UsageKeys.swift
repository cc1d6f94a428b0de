import JSON

/// Under which keys a call is counted.
///
/// Digests, so that the store says nothing of who did what; each of everything that makes the
/// count another one, its time included.
struct UsageKeys {
    let arrived: ArrivedCall

    private var caller: Caller { arrived.caller.caller }

    /// All calls of this person, whatever their groups and tokens.
    func caller(_ matter: String) -> Digest32 {
        digest("caller", matter, caller.issuer, caller.subject)
    }

    /// Nil for a caller without a token that can be told from others.
    func token(_ matter: String) -> Digest32? {
        caller.tokenID.map { digest("token", matter, caller.issuer, $0) }
    }

    func tool(_ matter: String, _ tool: Tool) -> Digest32 {
        digest("tool", matter, caller.issuer, caller.subject, tool.name.text)
    }

    /// `tool` is nil where only the caller is known.
    func quota(_ rule: Rule, _ quota: Quota, _ tool: Tool?) -> Digest32 {
        var fields = FieldDigest()
        fields.add("rule")
        fields.add(rule.id.text)
        fields.add(quota.measure.rawValue)
        fields.add(quota.span?.label)
        for share in Quota.Share.allCases where quota.shares.contains(share) {
            fields.add(share.rawValue)
            switch share {
            case .caller:
                fields.add(caller.issuer)
                fields.add(caller.subject)
            case .tool: fields.add(tool?.name.text)
            case .backend: fields.add(tool?.backend.text)
            }
        }
        return fields.finish()
    }

    /// Where the call came from; nil on a pipe.
    var address: Digest32? {
        arrived.via.address.utf8.isEmpty ? nil : digest("address", arrived.via.address)
    }

    /// The client as its token and as it calls itself.
    var client: Digest32 {
        digest("client", caller.clientID ?? "", arrived.trace.clientName ?? "")
    }

    var arguments: Digest32 {
        SHA256.digest(JSONValue.object(arrived.arguments).canonicalBytes)
    }

    /// The first number among the arguments, by their names; that at the end of a text too.
    var number: Int? {
        for member in arrived.arguments.members.sorted(by: { Name($0.name) < Name($1.name) }) {
            switch member.value {
            case .number(let number): if let int = number.int { return int }
            case .string(let text): if let int = Self.number(endOf: text) { return int }
            default: break
            }
        }
        return nil
    }

    private static func number(endOf text: String) -> Int? {
        let digits = text.utf8.reversed().prefix { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        guard (1...18).contains(digits.count) else { return nil }
        return digits.reversed().reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    private func digest(_ parts: String...) -> Digest32 {
        var fields = FieldDigest()
        for part in parts { fields.add(part) }
        return fields.finish()
    }
}
