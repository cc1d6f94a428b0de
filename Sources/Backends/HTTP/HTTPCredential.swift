internal import Enforcement
internal import JSON

extension HTTPCredential {
    func headers() async throws(BackendError) -> [(name: String, value: String)] {
        switch self {
        case .nobody: return []
        case .bearer(let read):
            return [(name: "authorization", value: "Bearer \(try await Self.text(read))")]
        case .basic(let user, let read):
            let pair = Array("\(user):\(try await Self.text(read))".utf8)
            return [(name: "authorization", value: "Basic \(Base64.encode(pair))")]
        case .header(let name, let read): return [(name: name, value: try await Self.text(read))]
        }
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
