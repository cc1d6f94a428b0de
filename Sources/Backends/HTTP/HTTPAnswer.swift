internal import Enforcement
internal import EventLoop
internal import JSON

/// What of a response becomes the answer of a tool, and what an error is by its status. The words
/// of a backend's errors stay here: they may quote anything.
struct HTTPAnswer {
    let response: HTTPClientResponse
    let operation: HTTPOperation
    let effect: Tool.Effect

    func result() throws(BackendError) -> RawResult {
        guard (200..<300).contains(response.status) else {
            var failure = failure()
            if operation.result.tellsErrorText { failure.words = words }
            throw failure
        }
        if let coding = response.headers["content-encoding"],
            !coding.lowercased().isByteEqual(to: "identity")
        {
            throw form("a content coding, though none was asked for")
        }
        switch operation.result.kind {
        case .json: return RawResult(.document(try document()))
        case .text:
            guard let text = String(validating: response.body, as: UTF8.self),
                !text.utf8.contains(0)
            else { throw form("not UTF-8 text") }
            return RawResult(.text(text))
        case .binary: return RawResult(.binary(response.body, mediaType: mediaType))
        }
    }

    /// Always an object, which is what clients take.
    private func document() throws(BackendError) -> JSONValue {
        var whole = JSONValue.null
        if !response.body.isEmpty {
            do throws(JSONError) { whole = try JSONParser.parse(response.body) } catch {
                throw form("not JSON at byte \(error.offset): \(error.message)")
            }
        } else if operation.isReading, response.status != 204 {
            throw form("empty where JSON was expected")
        }
        let answer = operation.result.picked(from: whole)
        if let check = operation.result.check, !check.violations(in: answer).isEmpty {
            throw form("not what `outputSchema` declares")
        }
        return answer
    }

    /// The type and subtype alone, where they are plain.
    private var mediaType: String {
        let type = response.headers["content-type"]?.prefix { $0 != ";" && $0 != " " } ?? ""
        let isPlain =
            type.utf8.count <= 127
            && type.split(separator: "/", omittingEmptySubsequences: false).count == 2
            && type.utf8.allSatisfy { Encoded.isUnreserved($0) || "/+".utf8.contains($0) }
        return isPlain ? type.lowercased() : "application/octet-stream"
    }

    /// A change may have been made all the same.
    private func form(_ reason: String) -> BackendError {
        BackendError(effect == .read ? .form : .unknown, detail: "the response is \(reason)")
    }

    private func failure() -> BackendError {
        let status = response.status
        let detail = "status \(status)"
        switch status {
        // Many answer a change that was made by pointing to what it made.
        case 300..<400:
            return BackendError(
                effect == .read ? .failed : .unknown, detail: "\(detail), not followed")
        case 401, 403, 407: return BackendError(.unauthorized, detail: detail)
        case 404, 410: return BackendError(.notFound, detail: detail)
        case 409, 412: return BackendError(.constraint, detail: detail)
        case 429, 503:
            return BackendError(
                .busy, detail: detail, retryAfterSeconds: RetryAfter.seconds(response.headers))
        case 400..<500 where status != 408: return BackendError(.rejected, detail: detail)
        default:
            if effect == .write { return BackendError(.unknown, detail: detail) }
            return BackendError(
                status == 408 || status == 504 ? .timedOut : .failed, detail: detail)
        }
    }

    /// The body, where it is text: its beginning, and of a document nothing or all. It is masked
    /// before less of it is told.
    private var words: String? {
        guard let text = String(validating: response.body, as: UTF8.self) else { return nil }
        if text.utf8.count <= Self.wordsMax { return text }
        let isDocument = (try? JSONParser.parse(response.body)) != nil
        return isDocument ? nil : String(text.unicodeScalars.prefix(Self.wordsMax))
    }

    private static let wordsMax = 32 << 10
}

extension HTTPOperation.ResultForm {
    func picked(from document: JSONValue) -> JSONValue {
        guard picks.isEmpty else {
            return .object(
                JSONObject(
                    distinct: picks.map { ($0.name, $0.path.value(in: document) ?? .null) }))
        }
        if case .object = document { return document }
        return ["value": document]
    }
}

extension BackendError {
    init(_ error: HTTPClientError, _ effect: Tool.Effect) {
        // Once something was sent, a change may have been made.
        let lost: Reason = effect == .read ? .failed : .unknown
        switch error {
        case .connect(let reason):
            let detail = if case .tls(let fault) = reason { "\(fault)" } else { "\(reason)" }
            self.init(.unavailable, detail: "no connection: \(detail)")
        case .away: self.init(.unavailable, detail: "no connection lately, and none was tried")
        case .nowhere: self.init(.unavailable, detail: "the host's name has no address")
        case .forbidden:
            self.init(
                .unavailable,
                detail:
                    "the host has an address that is not public; `networks` can name its network"
            )
        case .broken: self.init(lost, detail: "the connection broke")
        case .malformed(.bodyTooLarge):
            self.init(
                effect == .read ? .result : .unknown, detail: "the response is over the limit")
        case .malformed(let fault): self.init(lost, detail: "a malformed response: \(fault)")
        case .timedOut:
            self.init(effect == .read ? .timedOut : .unknown, detail: "no response in time")
        case .cancelled: self.init(effect == .read ? .cancelled : .unknown, detail: "cancelled")
        case .busy: self.init(.busy, detail: "all connections are taken")
        case .unwritable: self.init(.failed, detail: "the request cannot be written")
        }
    }

    init(_ error: NameLookupError) {
        switch error {
        case .unknown: self.init(.unavailable, detail: "the host's name has no address")
        case .timedOut: self.init(.unavailable, detail: "the host's name was not found in time")
        case .cancelled: self.init(.cancelled, detail: "cancelled")
        case .busy: self.init(.busy, detail: "too many names are being looked up")
        }
    }
}
