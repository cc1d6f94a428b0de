/// What does a tool on an HTTP API send, where may it go, and what comes back?
///
/// A request is made once, when a call is examined; rules judge it and exactly it is sent. Values
/// are encoded for their place (`RequestRendering`), the other end is one that the manifest names
/// (`EgressRules`), its name is looked up by us and only a vetted address is connected to, and no
/// redirect is followed. This folder must never let a backend's words out at call time, nor send a
/// caller's credential to anybody.
package import Enforcement
package import EventLoop
internal import JSON

package final class HTTPBackend: Backend {
    private let options: HTTPOptions
    private let client: HTTPClient
    private let addresses: VettedAddresses

    package init(_ options: HTTPOptions, client: HTTPClient, names: any NameLookup) {
        self.options = options
        self.client = client
        addresses = VettedAddresses(
            egress: options.egress, names: names, patience: options.limits.connect)
    }

    // MARK: At load

    package func examine(
        _ operation: Operation, effect: Tool.Effect
    ) throws(BackendError) -> Examination {
        guard case .http(let http) = operation else {
            throw BackendError(.invalid, detail: "an HTTP backend takes `http`, not `sql`")
        }
        try checkTarget(of: http)
        var examination = Examination(
            columns: [], reads: [], deciding: [],
            parameters: http.names + (options.base?.host.names ?? []),
            isReadOnly: http.isReading || http.method == "POST" && effect == .read)
        // Every call touches the same; only what is sent differs.
        examination.identity = Examination.Identity()
        return examination
    }

    /// What can never be allowed is a mistake of the manifest.
    private func checkTarget(of http: HTTPOperation) throws(BackendError) {
        switch http.target {
        case .path:
            if options.base == nil {
                throw BackendError(.invalid, detail: "has a path, but its backend has no `baseURL`")
            }
        case .given, .url:
            if options.base != nil {
                throw BackendError(
                    .invalid, detail: "has a `url`, but its backend has a `baseURL`; use `path`")
            }
        }
        guard case .url(let isSecure, let host, let port, _) = http.target, host.names.isEmpty
        else {
            return
        }
        let name = host.labels.map { if case .literal(let text) = $0 { text } else { "" } }
            .joined(separator: ".")
        if options.egress.verdict(host: name, port: port, isSecure: isSecure) == .refused {
            throw BackendError(.invalid, detail: "goes to a host that its backend does not name")
        }
    }

    package func columns() throws(BackendError) -> BackendColumns { BackendColumns(stored: []) }

    // MARK: A call

    package func examine(_ job: Job) async throws(BackendError) -> CallExamination {
        guard case .http(let http) = job.tool.operation else {
            throw BackendError(.failed, detail: "no HTTP operation")
        }
        var request = try RequestMaker(options: options).request(http, try job.values())
        let verdict = options.egress.verdict(
            host: request.host, port: request.port, isSecure: request.isSecure)
        switch verdict {
        case .refused:
            throw BackendError(
                .argument, detail: "the arguments lead to a host that this tool may not reach")
        case .named: break
        case .mustResolve:
            let found = try await addresses.resolve(request.host, before: Self.deadline(of: job))
            guard let found else {
                throw BackendError(
                    .argument,
                    detail:
                        "the host has an address that is not public, and this tool may not reach it"
                )
            }
            request.addresses = found
        }
        return CallExamination(examination: job.tool.examination, request: .http(request))
    }

    package func run(_ call: consuming ClearedCall) async throws(BackendError) -> RawResult {
        try await perform(call.job)
    }

    /// Apart from `run` so that tests can run jobs that no gate has cleared.
    func perform(_ job: Job) async throws(BackendError) -> RawResult {
        guard case .http(let request)? = job.request, case .http(let http) = job.tool.operation
        else { throw BackendError(.failed, detail: "no request was made") }
        var wire = try await wire(request, http, job)
        if http.isKeyed, let witness = job.witness {
            guard await witness.note(.idempotencyKey(idempotencyKey(of: job))) else {
                throw BackendError(.busy, detail: "not sent: its key could not be noted")
            }
        }
        var response = try await response(to: wire, request, http, job)
        // Whoever is not let in has changed nothing. Once more, with a token of now.
        if response.status == 401, options.credential.wasRefused(in: wire) {
            wire = try await self.wire(request, http, job)
            response = try await self.response(to: wire, request, http, job)
        }
        return try HTTPAnswer(response: response, operation: http, effect: job.tool.effect).result()
    }

    private func response(
        to wire: HTTPClientRequest, _ request: OutboundRequest, _ http: HTTPOperation, _ job: Job
    ) async throws(BackendError) -> HTTPClientResponse {
        let loop = try VettedAddresses.loop()
        let origin = HTTPClient.Origin(
            isSecure: request.isSecure, host: request.host, port: request.port)
        let deadline = Self.deadline(of: job)
        let exchange = HTTPClient.Exchange(
            request: wire, origin: origin, isRepeatable: http.isRepeatable,
            bodyBytes: job.tool.limits.bytes, deadline: deadline)
        do throws(HTTPClientError) {
            return try await client.send(exchange, on: loop) {
                () async throws(HTTPClientError) in
                try await self.addresses.addresses(
                    of: origin, known: request.addresses, before: deadline)
            }
        } catch { throw BackendError(error, job.tool.effect) }
    }

    /// The request with what only the wire needs to know.
    private func wire(
        _ request: OutboundRequest, _ http: HTTPOperation, _ job: Job
    ) async throws(BackendError) -> HTTPClientRequest {
        var wire = HTTPClientRequest(
            method: request.method, target: request.target, host: request.authority,
            headers: request.headers, body: request.body)
        if http.isKeyed {
            wire.headers.append((name: "idempotency-key", value: idempotencyKey(of: job)))
        }
        wire.headers += try await options.credential.headers(for: wire)
        // No library for other codings is taken, so none is asked for.
        wire.headers.append((name: "accept-encoding", value: "identity"))
        wire.headers.append((name: "user-agent", value: "toolserver"))
        return wire
    }

    /// The same for every attempt of one call, and no call's id.
    private func idempotencyKey(of job: Job) -> String {
        HMACSHA256.authenticate(
            Array(job.call.utf8), key: Array("idempotency \(options.name)".utf8)
        ).hex
    }

    private static func deadline(of job: Job) -> MonotonicTime {
        MonotonicTime.now().advanced(by: max(.zero, job.deadline - .now))
    }
}
