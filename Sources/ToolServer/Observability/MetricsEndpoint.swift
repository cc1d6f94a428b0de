// The listener for those who watch over the server: GET /metrics, /healthz and /readyz, and nothing
// else. It asks nobody who they are, so it says nothing of callers, tools or data.

import EventLoop
import JSON

struct MetricsEndpoint: HTTPHandler {
    let health: HealthPages
    let metrics: @Sendable () -> String

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) async {
        exchange.respond(answer(request))
    }

    func answer(_ request: HTTPRequest) -> HTTPResponse {
        guard request.method == "GET" || request.method == "HEAD" else {
            return .text(405, "Only GET.", headers: [("Allow", "GET, HEAD")])
        }
        if let page = health.answer(request.path) { return page }
        guard request.path == "/metrics" else {
            return .text(404, "Not found. The figures are at GET /metrics.")
        }
        return HTTPResponse(
            status: 200,
            headers: [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")],
            body: Array(metrics().utf8))
    }
}

/// What supervisors ask.
struct HealthPages: Sendable {
    /// Why no calls are taken; nil while they are.
    let obstacle: @Sendable () -> String?
    /// What is wrong while calls are taken all the same.
    var complaint: @Sendable () -> String? = { nil }

    /// nil for other paths.
    func answer(_ path: String) -> HTTPResponse? {
        switch path {
        case "/healthz": .text(200, "ok")
        case "/readyz":
            if let obstacle = obstacle() {
                .text(503, "not ready: calls cannot be recorded: \(obstacle)")
            } else {
                .text(200, complaint().map { "ready, but \($0)" } ?? "ready")
            }
        default: nil
        }
    }
}

/// Where figures are read, as `metrics` of `server.json` declares it.
package struct MetricsSettings: Sendable, Equatable {
    /// A numeric address, without the brackets of an IPv6 one.
    package var address: String
    package var port: UInt16
}

/// Reads `metrics`.
enum MetricsManifest {
    static let keys = KeySet(required: ["listen"], optional: [])

    static func read(
        _ node: Node, beside others: [(address: String, port: UInt16)]
    ) -> MetricsSettings? {
        guard let listen = node.object(keys)?["listen"], let endpoint = listen.endpoint() else {
            return nil
        }
        let isTaken = others.contains {
            $0.port == endpoint.port && $0.address.isByteEqual(to: endpoint.address)
        }
        if isTaken {
            listen.report("is where the server listens already; the figures need their own")
        }
        if !endpoint.isLoopback {
            listen.findings.warning(
                "tells figures to whoever reaches it, in clear; keep it within your own network",
                at: listen.place)
        }
        return MetricsSettings(address: endpoint.address, port: endpoint.port)
    }
}
