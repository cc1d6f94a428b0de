import Enforcement
import EventLoop
import JSON

/// A refusal for programs (RFC 9457), with the code of docs/errors.md where the gate refused.
struct ProblemDetails: Error {
    private let status: Int
    private let detail: String
    private var code: Refusal.Code?
    private var rules: [Name] = []
    private var headers: [(name: String, value: String)] = []

    init(
        _ status: Int, _ detail: String, headers: [(name: String, value: String)] = []
    ) {
        self.status = status
        self.detail = detail
        self.headers = headers
    }

    init(_ refusal: Refusal, in serving: Serving) {
        status = refusal.code.httpStatus
        detail = refusal.told
        code = refusal.code
        rules = refusal.rules
        if let seconds = refusal.retryAfterSeconds {
            headers.append(("Retry-After", String(seconds)))
        }
        if refusal.isUnauthenticated {
            headers += Self.challenge(of: serving.resource.unauthenticated(refusal))
        }
    }

    init(_ turnedAway: CallerAtTheDoor.TurnedAway) {
        status = turnedAway.answer.status
        detail = turnedAway.told
        code = turnedAway.code
        headers = Self.challenge(of: turnedAway.answer)
    }

    var response: HTTPResponse {
        var body = JSONObject(distinct: [
            ("type", "about:blank"), ("title", .string(Self.title(of: status))),
            ("status", .number(JSONNumber(status))), ("detail", .string(detail)),
        ])
        if let code { body["code"] = .string(code.rawValue) }
        if !rules.isEmpty { body["rules"] = .array(rules.map { .string($0.text) }) }
        return HTTPResponse(
            status: status, headers: [("Content-Type", "application/problem+json")] + headers,
            body: JSONValue.object(body).bytes)
    }

    private static func challenge(
        of answer: HTTPResponse
    ) -> [(name: String, value: String)] {
        answer.headers.filter { $0.name.isByteEqual(to: "WWW-Authenticate") }
    }

    private static func title(of status: Int) -> String {
        switch status {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 409: "Conflict"
        case 415: "Unsupported Media Type"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: "Internal Server Error"
        }
    }
}

extension Refusal.Code {
    /// 403 is what a rule or a person says no to; whoever asks again gets it again.
    var httpStatus: Int {
        switch self {
        case .identityMissing, .identityInvalid, .identityExpired, .identityUnknownUser,
            .identityCertificate:
            401
        case .unknownTool, .backendNotFound: 404
        case .confirmationRequired, .confirmationState, .confirmationAnswer,
            .confirmationUnreachable, .confirmationOutdated, .taskUnsupported, .backendConstraint:
            409
        case .argumentsInvalid, .statementInvalid, .backendRefused: 422
        case .limitConcurrency, .taskLimit: 429
        case .backendResult, .backendOutdated, .backendUnknown, .backendUnauthorized,
            .backendFailed:
            502
        case .backendBusy, .backendUnavailable, .stateUnavailable, .recordUnavailable, .cancelled:
            503
        case .backendTimedOut: 504
        case .maskFailed: 500
        default: 403
        }
    }
}
