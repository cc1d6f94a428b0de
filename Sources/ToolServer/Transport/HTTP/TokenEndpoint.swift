// What does this installation hand out, and to whom?
//
//     POST /token                    a signed SAML assertion in, a token of minutes out
//     GET  /.well-known/jwks.json    the keys that verify the tokens of this installation
//
// It must never say why an assertion is not good, and hand out nothing that is not on record.

import Enforcement
import EventLoop
import JSON

struct TokenEndpoint: Sendable {
    static let path = "/token"
    static let keysPath = "/.well-known/jwks.json"

    private static let assertionGrant: Name = "urn:ietf:params:oauth:grant-type:saml2-bearer"
    private static let exchangeGrant: Name = "urn:ietf:params:oauth:grant-type:token-exchange"
    private static let assertionType: Name = "urn:ietf:params:oauth:token-type:saml2"
    private static let accessToken: Name = "urn:ietf:params:oauth:token-type:access_token"
    private static let signedToken: Name = "urn:ietf:params:oauth:token-type:jwt"

    let exchange: AssertionExchange
    let keys: InstallationKeys
    let sink: any RecordSink
    /// As clients may name this server where they ask for a token for it.
    let targets: [String]

    /// RFC 6749 section 5.2.
    private struct Fault: Error {
        let error: String
        let told: String
        var status = 400
        var retryAfterSeconds: Int?

        static func invalidRequest(_ told: String) -> Fault {
            Fault(error: "invalid_request", told: told)
        }
    }

    /// nil for every other path.
    func answer(withoutBody request: HTTPRequest) -> HTTPResponse? {
        if request.path == Self.keysPath {
            guard request.method == "GET" else {
                return .text(405, "Read it by GET.", headers: [("Allow", "GET")])
            }
            return .json(200, keys.document.bytes, headers: [("Cache-Control", "max-age=60")])
        }
        guard owns(request) else { return nil }
        guard request.method == "POST" else {
            return .text(405, "Send it by POST.", headers: [("Allow", "POST")])
        }
        let length = request.headers["content-length"].flatMap { Int($0) } ?? 0
        return length > FormFields.bytesMax ? .text(413, "An assertion is not that long.") : nil
    }

    /// Whether it is for `/token`, where assertions are exchanged at all.
    func owns(_ request: HTTPRequest) -> Bool {
        !exchange.isEmpty && request.path.isByteEqual(to: Self.path)
    }

    func answer(_ request: HTTPRequest) async -> HTTPResponse {
        if let answer = answer(withoutBody: request) { return answer }
        // RFC 6749 section 5.1: nobody on the way keeps it.
        var headers = [("Cache-Control", "no-store")]
        do throws(Fault) {
            return .json(200, try await token(request).bytes, headers: headers)
        } catch {
            if let seconds = error.retryAfterSeconds {
                headers.append(("Retry-After", String(seconds)))
            }
            let body: JSONValue = [
                "error": .string(error.error), "error_description": .string(error.told),
            ]
            return .json(error.status, body.bytes, headers: headers)
        }
    }

    private func token(_ request: HTTPRequest) async throws(Fault) -> JSONValue {
        guard request.query == nil else {
            throw .invalidRequest("Send the assertion in the body; a URL ends up in logs.")
        }
        guard MediaTypes.isForm(request.headers), let form = FormFields(request.body) else {
            throw .invalidRequest("Send `Content-Type: application/x-www-form-urlencoded`.")
        }
        let isExchange = form["grant_type"].map { Name($0) } == Self.exchangeGrant
        let assertion = try assertion(in: form, isExchange: isExchange)
        try checkTarget(form)
        let made: AssertionExchange.Exchanged
        do throws(Refusal) {
            made = try await exchange.exchange(assertion, at: request.peerAddress)
        } catch {
            guard error.code == .stateUnavailable else {
                throw Fault(error: "invalid_grant", told: error.told)
            }
            throw Self.unavailable(error.told)
        }
        let token: String
        do throws(CommandFailure) { token = try keys.sign(made.claims) } catch {
            throw Self.unavailable("No token can be signed at the moment. Tell the operator.")
        }
        try await record(made, request)
        var answer = JSONObject(distinct: [
            ("access_token", .string(token)), ("token_type", "Bearer"),
            ("expires_in", .number(JSONNumber(made.seconds))),
        ])
        if isExchange { answer["issued_token_type"] = .string(Self.accessToken.text) }
        return .object(answer)
    }

    /// RFC 7522 section 2.1, or RFC 8693 section 2.1.
    private func assertion(
        in form: FormFields, isExchange: Bool
    ) throws(Fault) -> String {
        guard isExchange else {
            guard form["grant_type"].map({ Name($0) }) == Self.assertionGrant else {
                let isThere = form["grant_type"] != nil
                throw Fault(
                    error: isThere ? "unsupported_grant_type" : "invalid_request",
                    told:
                        "Send `grant_type` once: \(Self.assertionGrant) or \(Self.exchangeGrant).")
            }
            guard let assertion = form["assertion"] else {
                throw .invalidRequest("Send one `assertion`, in base64url.")
            }
            return assertion
        }
        guard let token = form["subject_token"],
            form["subject_token_type"].map({ Name($0) }) == Self.assertionType
        else {
            throw .invalidRequest(
                "Send one `subject_token`, in base64url, with `subject_token_type` \(Self.assertionType)."
            )
        }
        guard form.all("actor_token").isEmpty else {
            throw .invalidRequest("An `actor_token` is not taken here.")
        }
        let wanted = form.all("requested_token_type")
        guard wanted.allSatisfy({ [Self.accessToken, Self.signedToken].contains(Name($0)) }) else {
            throw .invalidRequest("`requested_token_type` is an access token, and nothing else.")
        }
        return token
    }

    private func checkTarget(_ form: FormFields) throws(Fault) {
        let named = form.all("resource") + form.all("audience")
        guard named.allSatisfy({ name in targets.contains { $0.isByteEqual(to: name) } }) else {
            throw Fault(error: "invalid_target", told: "Tokens of here are for this server alone.")
        }
    }

    private func record(
        _ made: AssertionExchange.Exchanged, _ request: HTTPRequest
    ) async throws(Fault) {
        var writer = JSONWriter()
        writer.member("event", "exchange")
        writer.member("v", RecordForm.version)
        writer.member("issuer", made.caller.issuer)
        writer.member("subject", made.caller.subject)
        writer.member("token", made.caller.tokenID ?? "")
        writer.member("seconds", made.seconds)
        writer.member("address", request.peerAddress)
        do throws(RecordError) { _ = try await sink.append([writer.finish()]) } catch {
            throw Self.unavailable("The record cannot be written. Tell the operator.")
        }
    }

    private static func unavailable(_ told: String) -> Fault {
        Fault(
            error: "temporarily_unavailable", told: told, status: 503, retryAfterSeconds: 60)
    }
}
