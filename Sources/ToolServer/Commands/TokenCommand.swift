import Enforcement
import JSON

/// Mints a short token that this installation's servers accept: for a try, for tests, for a
/// machine that has no sign-in of its own. The same verification path as any other token.
enum TokenCommand {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let words = Array(words)
        if words.first?.isByteEqual(to: "check") == true {
            return try TokenCheckCommand.run(words.dropFirst())
        }
        if words.first?.isByteEqual(to: "revoke") == true {
            return try TokenRevokeCommand.run(words.dropFirst())
        }
        let arguments = try Arguments(
            words, options: ["--as", "--groups", "--for", "--minutes", "--manifests", "--state"],
            flags: ["--headers", "--console"])
        guard let subject = arguments["--as"], !subject.utf8.isEmpty else {
            throw UsageError("token needs --as SUBJECT")
        }
        let minutes = try arguments.integer("--minutes", in: 1...24 * 60) ?? 60
        let settings = try Startup.settings(arguments)
        guard let issuer = settings.localIssuer else {
            throw CommandFailure(
                "server.json lists no issuer \"local\", so this server would refuse the token; add {\"issuer\": \"local\"} to its `issuers`"
            )
        }
        var audience = issuer.rules.audience
        if arguments.has("--console") {
            guard let console = settings.console else {
                throw CommandFailure("server.json has no `console` that a token could be meant for")
            }
            audience = console.audience
        }
        let installation = Startup.installation(arguments, settings)
        try installation.prepare()
        let groups = arguments.groups.map { JSONValue.string($0.text) }
        let now = WallClock.seconds()
        var claims = JSONObject(distinct: [
            ("iss", .string(issuer.rules.issuer)),
            ("aud", .string(audience)),
            ("sub", .string(arguments["--for"] ?? subject)), ("groups", .array(groups)),
            ("iat", .number(JSONNumber(now))), ("exp", .number(JSONNumber(now + 60 * minutes))),
            ("jti", .string(Base64URL.encode(try randomBytes(12)))),
        ])
        if arguments["--for"] != nil { claims["act"] = ["sub": JSONValue.string(subject)] }
        let token = try LocalToken.sign(claims, with: installation.tokenKey())
        // As Claude Code reads it from a `headersHelper`.
        let headers: JSONValue = ["Authorization": .string("Bearer \(token)")]
        StandardStream.output.line(arguments.has("--headers") ? headers.text : token)
        return .done
    }
}

/// The form of this installation's own tokens.
enum LocalToken {
    static func keyID(of key: ES256PublicKey) -> String {
        Base64URL.encode(Array(SHA256.digest(key.x + key.y).bytes.prefix(9)))
    }

    static func jwk(of key: ES256PublicKey) -> JSONObject {
        JSONObject(distinct: [
            ("kty", "EC"), ("crv", "P-256"), ("x", .string(Base64URL.encode(key.x))),
            ("y", .string(Base64URL.encode(key.y))), ("kid", .string(keyID(of: key))),
            ("alg", "ES256"), ("use", "sig"),
        ])
    }

    static func sign(
        _ claims: JSONObject, with key: ES256PrivateKey
    ) throws(CommandFailure) -> String {
        let header: JSONValue = [
            "alg": "ES256", "typ": "at+jwt", "kid": .string(keyID(of: key.publicKey)),
        ]
        let signed =
            Base64URL.encode(header.bytes) + "." + Base64URL.encode(JSONValue.object(claims).bytes)
        do throws(CryptoError) {
            return signed + "." + Base64URL.encode(try key.sign(Array(signed.utf8)))
        } catch {
            throw CommandFailure("nothing could be signed: \(error)")
        }
    }
}
