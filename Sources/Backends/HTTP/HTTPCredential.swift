internal import Enforcement
internal import JSON

extension HTTPCredential {
    /// Read anew for every call, so that whoever renews the secret need not restart us.
    func headers() throws(BackendError) -> [(name: String, value: String)] {
        switch self {
        case .none: return []
        case .bearer(let read):
            return [(name: "authorization", value: "Bearer \(try Self.text(read))")]
        case .basic(let user, let read):
            let pair = Array("\(user):\(try Self.text(read))".utf8)
            return [(name: "authorization", value: "Basic \(Base64.encode(pair))")]
        case .header(let name, let read): return [(name: name, value: try Self.text(read))]
        }
    }

    /// Without the line end that files have.
    private static func text(_ read: SecretReader) throws(BackendError) -> String {
        guard let bytes = read() else {
            throw BackendError(.unavailable, detail: "the credential cannot be read")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let trimmed = text.split(whereSeparator: { $0.isWhitespace }).first.map(String.init) ?? ""
        guard !trimmed.utf8.isEmpty, trimmed.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw BackendError(.unavailable, detail: "the credential is not one word of ASCII")
        }
        return trimmed
    }
}
