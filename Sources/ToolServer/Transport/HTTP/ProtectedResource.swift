import Enforcement
import EventLoop
import JSON

/// What a client may know before it signs in (RFC 9728): where tokens for this server come from.
///
/// The same for everybody, and nothing of what the server holds: neither tools nor grants.
struct ProtectedResource: Sendable {
    private static let wellKnown = "/.well-known/oauth-protected-resource"

    /// The URL below which all paths of this server stand, without a slash at the end.
    let base: String
    private let metadata: HTTPResponse
    private let paths: Set<Name>
    private let challenge: String
    /// The URL of the tools, as clients know it, and its part before the path.
    private let resource: String
    private let origin: String

    /// `resource` is the URL of the tools; `issuers` are those that clients can ask for a token.
    init(resource: String, issuers: [String], scopes: [String]) {
        self.resource = resource
        let slash = Self.pathStart(in: resource)
        let origin = resource[..<slash]
        self.origin = String(origin)
        let path = resource[slash...]
        base = Self.base(of: resource)
        // A proxy may serve us under another path than the one that we see.
        paths = [
            Name(Self.wellKnown), Name("\(Self.wellKnown)/mcp"), Name("\(Self.wellKnown)\(path)"),
        ]
        var document = JSONObject(distinct: [
            ("resource", .string(resource)), ("bearer_methods_supported", ["header"]),
        ])
        document["dpop_signing_alg_values_supported"] = .array(
            SignatureAlgorithm.allCases.map { .string($0.rawValue) })
        if !issuers.isEmpty {
            document["authorization_servers"] = .array(issuers.map { .string($0) })
        }
        if !scopes.isEmpty {
            document["scopes_supported"] = .array(scopes.map { .string($0) })
        }
        metadata = .json(200, JSONValue.object(document).bytes)
        var challenge = "Bearer realm=\"toolserver\""
        challenge += ", resource_metadata=\"\(origin)\(Self.wellKnown)\(path)\""
        if !scopes.isEmpty { challenge += ", scope=\"\(scopes.joined(separator: " "))\"" }
        self.challenge = challenge
    }

    static func base(of resource: String) -> String {
        let start = pathStart(in: resource)
        return String(
            resource[start...].hasSuffix("/mcp") ? resource.dropLast(4) : resource[..<start])
    }

    private static func pathStart(in resource: String) -> String.Index {
        let start = resource.utf8.firstRange(of: "://".utf8)?.upperBound ?? resource.startIndex
        return resource.utf8[start...].firstIndex(of: UInt8(ascii: "/")) ?? resource.endIndex
    }

    /// A path of this listener as clients know it.
    func url(of path: String) -> String {
        path.isByteEqual(to: "/mcp") ? resource : origin + path
    }

    /// nil for every other path.
    func answer(_ request: HTTPRequest) -> HTTPResponse? {
        guard paths.contains(Name(request.path)) else { return nil }
        guard request.method == "GET" else {
            return .text(405, "Read it by GET.", headers: [("Allow", "GET")])
        }
        return metadata
    }

    func unauthenticated(_ refusal: Refusal) -> HTTPResponse {
        if refusal.code == .identityUnavailable || refusal.code == .stateUnavailable {
            // The token may be good: who asks for another one will not be helped.
            let seconds = String(refusal.retryAfterSeconds ?? 60)
            return .text(503, refusal.told, headers: [("Retry-After", seconds)])
        }
        if refusal.code == .identityProof {
            let algorithms = SignatureAlgorithm.allCases.map(\.rawValue).joined(separator: " ")
            return .text(
                401, refusal.told,
                headers: [
                    (
                        "WWW-Authenticate",
                        "DPoP error=\"invalid_dpop_proof\", algs=\"\(algorithms)\""
                    ), ("WWW-Authenticate", challenge),
                ])
        }
        if refusal.code == .identityScope {
            // RFC 6750 3.1. The challenge names every scope that is needed, in one go.
            return .text(
                403, refusal.told,
                headers: [("WWW-Authenticate", challenge + ", error=\"insufficient_scope\"")])
        }
        // RFC 6750 3.1: whoever showed no token made no error.
        let isShown = refusal.code != .identityMissing && refusal.code != .identityCertificate
        let error = isShown ? ", error=\"invalid_token\"" : ""
        return .text(401, refusal.told, headers: [("WWW-Authenticate", challenge + error)])
    }

    func malformed(_ fault: BearerCredential.Malformed) -> HTTPResponse {
        .text(
            400, fault.told,
            headers: [("WWW-Authenticate", challenge + ", error=\"invalid_request\"")])
    }
}
