import JSON

/// Verifies the short tokens that `toolserver token` signs with the key of this installation.
///
/// ES256 only, one key, one audience. Nothing in a token chooses how it is verified: the
/// algorithm and the key come from here and the header must agree.
package struct TokenVerifier: Sendable {
    static let leewaySeconds = 60
    static let lifetimeSecondsMax = 24 * 60 * 60
    static let tokenBytesMax = 8 * 1024

    private let key: ES256PublicKey
    private let keyID: String
    private let issuer: String
    private let audience: String

    package init(key: ES256PublicKey, keyID: String, issuer: String, audience: String) {
        self.key = key
        self.keyID = keyID
        self.issuer = issuer
        self.audience = audience
    }

    func verify(_ token: String, now: Int) throws(Refusal) -> Caller {
        let claims = try signedClaims(of: token)
        guard claims["iss"]?.string?.isByteEqual(to: issuer) == true else {
            throw .invalidToken("issuer")
        }
        guard Self.audiences(of: claims).contains(where: { $0.isByteEqual(to: audience) }) else {
            throw .invalidToken("audience")
        }
        try Self.checkTimes(of: claims, now: now)
        return try Self.caller(from: claims)
    }

    /// The claims, once the signature over them holds.
    private func signedClaims(of token: String) throws(Refusal) -> JSONObject {
        guard token.utf8.count <= Self.tokenBytesMax else { throw .invalidToken("size") }
        let bytes = Array(token.utf8)
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .invalidToken("form") }
        try checkHeader(try Self.object(in: parts[0]))
        guard let signature = Base64URL.decode(String(decoding: parts[2], as: UTF8.self)) else {
            throw .invalidToken("signature encoding")
        }
        let signed = Array(bytes[..<parts[1].endIndex])
        guard key.isValid(signature, for: signed) else {
            throw .invalidToken("signature")
        }
        return try Self.object(in: parts[1])
    }

    private func checkHeader(_ header: JSONObject) throws(Refusal) {
        guard header["alg"]?.string?.isByteEqual(to: "ES256") == true else {
            throw .invalidToken("algorithm")
        }
        guard header["kid"]?.string?.isByteEqual(to: keyID) == true else {
            throw .invalidToken("key id")
        }
        if let type = header["typ"] {
            guard let text = type.string, ["jwt", "at+jwt"].contains(text.lowercased()) else {
                throw .invalidToken("type")
            }
        }
        // RFC 7515 4.1.11: an extension that must be understood and is not. RFC 7797 b64 and
        // compression change what is signed; a nested type hides another token.
        for name in ["crit", "b64", "zip", "cty"] where header[name] != nil {
            throw .invalidToken("header `\(name)`")
        }
    }

    private static func object(in part: ArraySlice<UInt8>) throws(Refusal) -> JSONObject {
        guard let bytes = Base64URL.decode(String(decoding: part, as: UTF8.self)),
            let value = try? JSONParser.parse(bytes), case .object(let object) = value
        else { throw .invalidToken("encoding") }
        return object
    }

    private static func audiences(of claims: JSONObject) -> [String] {
        switch claims["aud"] {
        case .string(let one): [one]
        case .array(let several) where several.allSatisfy({ $0.string != nil }):
            several.compactMap(\.string)
        default: []
        }
    }

    private static func checkTimes(of claims: JSONObject, now: Int) throws(Refusal) {
        guard let expires = claims["exp"]?.int, let issued = claims["iat"]?.int,
            (0..<1 << 40).contains(expires), (0..<1 << 40).contains(issued)
        else { throw .invalidToken("times") }
        guard expires - issued <= lifetimeSecondsMax else { throw .invalidToken("lifetime") }
        guard issued <= now + leewaySeconds else { throw .invalidToken("issued in the future") }
        if let notBefore = claims["nbf"] {
            guard let seconds = notBefore.int, seconds <= now + leewaySeconds else {
                throw .invalidToken("not valid yet")
            }
        }
        guard expires > now else { throw .expiredToken }
    }

    private static func caller(from claims: JSONObject) throws(Refusal) -> Caller {
        guard let subject = claims["sub"]?.string, isName(subject),
            let issuer = claims["iss"]?.string
        else { throw .invalidToken("subject") }
        var groups: [Name] = []
        if let listed = claims["groups"] {
            guard let values = listed.array else { throw .invalidToken("groups") }
            for value in values {
                guard let group = value.string else { throw .invalidToken("groups") }
                groups.append(Name(group))
            }
        }
        var caller = Caller(issuer: issuer, subject: subject, groups: groups, claims: claims)
        caller.clientID = claims["client_id"]?.string
        caller.tokenID = claims["jti"]?.string
        caller.expires = claims["exp"]?.int
        if let act = claims["act"] {
            // RFC 8693 4.1: `sub` is the person, `act.sub` the agent who acts for them. An actor
            // who cannot be read must not pass for the person.
            guard let actor = act["sub"]?.string, isName(actor) else {
                throw .invalidToken("actor")
            }
            caller.kind = .agent
            caller.onBehalfOf = subject
            caller.subject = actor
        }
        return caller
    }

    /// Not empty, and nothing in it that could end a line of a log.
    private static func isName(_ text: String) -> Bool {
        !text.utf8.isEmpty && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}

extension Refusal {
    static func invalidToken(_ fault: String) -> Refusal {
        Refusal(
            .identityInvalid,
            "The access token is not valid here. Get a new one from the issuer of this server and send it.",
            noted: "token: \(fault)")
    }
}
