internal import Enforcement
internal import EventLoop
internal import JSON

extension HTTPCredential {
    /// The fields that make `request` ours.
    func headers(
        for request: HTTPClientRequest
    ) async throws(BackendError) -> [(name: String, value: String)] {
        switch self {
        case .nobody: return []
        case .bearer(let read):
            return [(name: "authorization", value: "Bearer \(try await Self.text(read))")]
        case .basic(let user, let read):
            let pair = Array("\(user):\(try await Self.text(read))".utf8)
            return [(name: "authorization", value: "Basic \(Base64.encode(pair))")]
        case .header(let name, let read): return [(name: name, value: try await Self.text(read))]
        case .oauth(let tokens):
            return [(name: "authorization", value: "Bearer \(try await tokens.token())")]
        case .signature(let signature):
            return try await signature.headers(for: request, now: WallClock.seconds())
        }
    }

    /// It was not accepted, so what was kept of it may be out of date. Whether another may do.
    func wasRefused(in request: HTTPClientRequest) -> Bool {
        guard case .oauth(let tokens) = self,
            let used = request.headers.last(where: { $0.name == "authorization" })
        else { return false }
        tokens.forget(String(used.value.dropFirst("Bearer ".count)))
        return true
    }

    /// Of a header nothing else can be made.
    private static func text(_ read: SecretReader) async throws(BackendError) -> String {
        let text = try await read()
        guard text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
            throw BackendError(.unavailable, detail: "the credential is not one line of ASCII")
        }
        return text
    }
}
