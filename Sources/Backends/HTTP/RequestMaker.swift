internal import Enforcement
internal import JSON

/// Makes the one request that a call stands for.
struct RequestMaker {
    let options: HTTPOptions

    func request(
        _ http: HTTPOperation, _ arguments: JSONObject
    ) throws(BackendError) -> OutboundRequest {
        let values = RequestRendering(arguments: arguments)
        var request = try target(of: http, values)
        request.headers = try values.headers(http.headers)
        switch http.body {
        case .none: break
        case .json(let template):
            request.body = (try values.json(template) ?? .null).bytes
            addContentType("application/json", to: &request)
        case .form(let fields):
            request.body = Array(try values.pairs(fields).utf8)
            addContentType("application/x-www-form-urlencoded", to: &request)
        }
        return request
    }

    private func addContentType(_ type: String, to request: inout OutboundRequest) {
        let name = "content-type"
        guard !request.headers.contains(where: { $0.name.lowercased().isByteEqual(to: name) })
        else { return }
        request.headers.append((name: name, value: type))
    }

    private func target(
        of http: HTTPOperation, _ values: RequestRendering
    ) throws(BackendError) -> OutboundRequest {
        switch http.target {
        case .path(let path):
            guard let base = options.base else {
                throw BackendError(.failed, detail: "no base URL")
            }
            let segments = base.path.map { Encoded.data($0) } + (try values.segments(path))
            return OutboundRequest(
                method: http.method, isSecure: base.isSecure, host: try values.host(base.host),
                port: base.port, target: try values.target(segments, http.query))
        case .url(let isSecure, let host, let port, let path):
            return OutboundRequest(
                method: http.method, isSecure: isSecure, host: try values.host(host), port: port,
                target: try values.target(try values.segments(path), http.query))
        case .given(let name): return try given(name, http, values)
        }
    }

    /// A whole URL from the caller, in the one reading that all parsers share.
    private func given(
        _ name: Name, _ http: HTTPOperation, _ values: RequestRendering
    ) throws(BackendError) -> OutboundRequest {
        let url: HTTPURL
        let text = try values.needed(name)
        do throws(HTTPURL.Failure) { url = try HTTPURL(text) } catch {
            throw RequestRendering.refusal(of: name, error.reason)
        }
        let reading = PathReading(url.path)
        guard reading.isSettled, !reading.holdsDots, !reading.holdsControl else {
            throw RequestRendering.refusal(
                of: name, "must have a path without `.` and `..` parts and without controls")
        }
        // A semicolon separates parameters to old servers only.
        let query = url.query?.split(separator: ";", omittingEmptySubsequences: false)
            .joined(separator: "%3B")
        let more = try values.pairs(http.query)
        let pairs = [query ?? "", more].filter { !$0.utf8.isEmpty }.joined(separator: "&")
        return OutboundRequest(
            method: http.method, isSecure: url.isSecure, host: url.host, port: url.port,
            target: url.path + (pairs.utf8.isEmpty ? "" : "?\(pairs)"))
    }
}
