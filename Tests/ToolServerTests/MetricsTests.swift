import EventLoop
import Foundation
import JSON
import TestSupport
import Testing

@testable import Enforcement
@testable import ToolServer

@Suite struct MetricsTests {
    private static func request(_ path: String, method: String = "GET") -> HTTPRequest {
        HTTPRequest(method: method, path: path, headers: HTTPHeaders())
    }

    private static func text(_ response: HTTPResponse) -> String {
        String(decoding: response.body, as: UTF8.self)
    }

    private let endpoint = MetricsEndpoint(
        health: HealthPages(obstacle: { "the disk refuses" }), metrics: { "figures" })

    @Test func figuresAndHealthAreReadAndNothingElse() {
        #expect(Self.text(endpoint.answer(Self.request("/metrics"))) == "figures")
        let ready = endpoint.answer(Self.request("/readyz"))
        #expect(ready.status == 503 && Self.text(ready).contains("the disk refuses"))
        #expect(endpoint.answer(Self.request("/healthz")).status == 200)
        #expect(endpoint.answer(Self.request("/mcp")).status == 404)
        #expect(endpoint.answer(Self.request("/metrics", method: "POST")).status == 405)
    }

    @Test func aDistributionIsToldInStepsThatGrow() {
        var values = RecorderFigures.Distribution([500, 1_000])
        for value in [1, 500, 501, 9_000] { values.add(value) }
        #expect(values.bound(of: 500) == 500 && values.bound(of: 750) == 1_000)
        #expect(values.bound(of: 990) == nil, "beyond all bounds")
        var page = MetricsPage()
        page.distribution("x_seconds", "Of x.", values, unit: 1_000_000)
        #expect(
            page.text == """
                # HELP toolserver_x_seconds Of x.
                # TYPE toolserver_x_seconds histogram
                toolserver_x_seconds_bucket{le="0.0005"} 2
                toolserver_x_seconds_bucket{le="0.001"} 3
                toolserver_x_seconds_bucket{le="+Inf"} 4
                toolserver_x_seconds_sum 0.010002
                toolserver_x_seconds_count 4

                """)
    }

    @Test func aRecordCountsItsBatchesAndStops() async throws {
        let folder = try RecordFolder("metrics")
        let line = Array(#""event":"start","v":1"#.utf8)
        _ = try await folder.recorder.append([line, line])
        let figures = folder.recorder.figures
        #expect(figures.commits.count == 1 && figures.lines.sum == 2)
        #expect(figures.standing == .good && figures.failures == 0)
        var page = MetricsPage()
        page.record("record", figures, subject: "the record")
        #expect(page.text.contains("toolserver_record_batch_lines_bucket{le=\"2\"} 1\n"))
        #expect(page.text.contains("toolserver_record_writable 1\n"))
    }

    @Test func aRecorderThatIsAwayIsDown() {
        var page = MetricsPage()
        page.recorder(nil)
        #expect(page.text.contains("toolserver_recorder_up 0\n"))
        #expect(!page.text.contains("recorder_lines"))
    }

    @Test func whereFiguresAreReadIsDeclared() throws {
        let settings = try ManifestFixture([
            "server.json": #"{"server": "s", "metrics": {"listen": "127.0.0.1:9464"}}"#
        ]).load().server.metrics
        #expect(settings == MetricsSettings(address: "127.0.0.1", port: 9_464))
        let problems = try ManifestFixture([
            "server.json": #"{"server": "s", "metrics": {"listen": "127.0.0.1:7070"}}"#
        ]).problems()
        #expect(problems.count == 1 && problems.first?.contains("need their own") == true)
    }
}
