internal import Enforcement
internal import EventLoop
internal import JSON

/// AWS Signature Version 4: a keyed hash over the request, so that no secret is sent.
package struct RequestSignature: Sendable {
    package var region: String
    /// `s3`, `execute-api` and so on.
    package var service: String
    package var keyID: SecretReader
    package var secretKey: SecretReader
    package var sessionToken: SecretReader?

    package init(
        region: String, service: String, keyID: @escaping SecretReader,
        secretKey: @escaping SecretReader, sessionToken: SecretReader? = nil
    ) {
        self.region = region
        self.service = service
        self.keyID = keyID
        self.secretKey = secretKey
        self.sessionToken = sessionToken
    }

    /// The fields that the signature adds. `now` is in seconds since 1970.
    func headers(
        for request: HTTPClientRequest, now: Int
    ) async throws(BackendError) -> [(name: String, value: String)] {
        let payload = SHA256.digest(request.body ?? []).hex
        let time = Self.basicFormat(now)
        var added = [(name: "x-amz-date", value: time)]
        if isS3 { added.append((name: "x-amz-content-sha256", value: payload)) }
        if let sessionToken {
            added.append((name: "x-amz-security-token", value: try await sessionToken()))
        }
        let signed = ([(name: "host", value: request.host)] + request.headers + added)
            .map { (name: $0.name.lowercased(), value: Self.canonicalValue($0.value)) }
            .sorted { Name($0.name) < Name($1.name) }
        let names = signed.map(\.name).joined(separator: ";")
        let (path, query) = Self.parts(of: request.target)
        let canonical = [
            request.method, canonicalPath(path), Self.canonicalQuery(query),
            signed.map { "\($0.name):\($0.value)\n" }.joined(), names, payload,
        ].joined(separator: "\n")
        let scope = "\(time.prefix(8))/\(region)/\(service)/aws4_request"
        let text = "AWS4-HMAC-SHA256\n\(time)\n\(scope)\n\(SHA256.digest(canonical).hex)"
        var key = Array("AWS4\(try await secretKey())".utf8)
        for part in scope.split(separator: "/") {
            key = HMACSHA256.authenticate(Array(part.utf8), key: key).bytes
        }
        let signature = HMACSHA256.authenticate(Array(text.utf8), key: key).hex
        let credential = "Credential=\(try await keyID())/\(scope)"
        let value =
            "AWS4-HMAC-SHA256 \(credential), SignedHeaders=\(names), Signature=\(signature)"
        return added + [(name: "authorization", value: value)]
    }

    private var isS3: Bool { service.isByteEqual(to: "s3") }

    private static func parts(of target: String) -> (path: Substring, query: Substring) {
        let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex
        return (target[..<mark], target[mark...].dropFirst())
    }

    /// Only S3 takes the path as it is sent.
    private func canonicalPath(_ path: Substring) -> String {
        if isS3 { return String(path) }
        return path.split(separator: "/", omittingEmptySubsequences: false)
            .map { Encoded.data(String($0)) }.joined(separator: "/")
    }

    /// Spaces in a row count as one.
    private static func canonicalValue(_ value: String) -> String {
        value.split(separator: " ").joined(separator: " ")
    }

    /// Our own queries are encoded as the signature wants them; only the order differs: by name,
    /// then by value. `page` comes before `page2`, though `=` comes behind `2`.
    static func canonicalQuery(_ query: Substring) -> String {
        var pairs: [(name: Name, value: Name)] = []
        for pair in query.split(separator: "&") {
            let end = pair.utf8.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            pairs.append((Name(String(pair[..<end])), Name(String(pair[end...].dropFirst()))))
        }
        pairs.sort { $0.name == $1.name ? $0.value < $1.value : $0.name < $1.name }
        return pairs.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }

    /// `20130524T000000Z`.
    static func basicFormat(_ seconds: Int) -> String {
        WallClock.text(seconds).prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }
}
