import Enforcement
import JSON

/// Figures in the text form that Prometheus reads. Names and labels are ours or the operator's,
/// never a caller's, so that their number is bounded.
struct MetricsPage {
    private(set) var text = ""

    enum Kind: String { case gauge, counter, histogram }

    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP toolserver_\(name) \(help)\n# TYPE toolserver_\(name) \(kind.rawValue)\n"
    }

    mutating func sample(
        _ name: String, _ labels: String = "", _ value: some CustomStringConvertible
    ) {
        text += "toolserver_\(name)\(labels) \(value)\n"
    }

    mutating func single(
        _ name: String, _ kind: Kind, _ help: String, _ value: some CustomStringConvertible
    ) {
        family(name, kind, help)
        sample(name, "", value)
    }

    /// `unit` is how many of the distribution's units make one of the metric's.
    mutating func distribution(
        _ name: String, _ help: String, _ values: RecorderFigures.Distribution, unit: Double? = nil
    ) {
        let written = { (value: Int) in unit.map { "\(Double(value) / $0)" } ?? "\(value)" }
        family(name, .histogram, help)
        var count = 0
        for (bound, more) in zip(values.bounds, values.counts) {
            count += more
            sample(name + "_bucket", "{le=\"\(written(bound))\"}", count)
        }
        sample(name + "_bucket", "{le=\"+Inf\"}", values.count)
        sample(name + "_sum", "", written(values.sum))
        sample(name + "_count", "", values.count)
    }

    static func flag(_ value: Bool) -> Int { value ? 1 : 0 }
}

extension MetricsPage {
    /// Of a record as whoever writes it sees it.
    mutating func record(_ name: String, _ figures: RecorderFigures, subject: String) {
        single(
            "\(name)_writable", .gauge, "1 while \(subject) takes lines.",
            Self.flag(figures.standing == .good))
        single(
            "\(name)_stopped_total", .counter, "How often \(subject) stopped taking lines.",
            figures.failures)
        single(
            "\(name)_waiting_bytes", .gauge, "Of lines that wait to become durable.",
            figures.waitingBytes)
        distribution(
            "\(name)_commit_seconds", "From when a batch was taken up until it was durable.",
            figures.commits, unit: 1_000_000)
        distribution(
            "\(name)_batch_lines", "Lines that became durable together.", figures.lines)
    }

    mutating func recorder(_ report: RecorderReport?) {
        single(
            "recorder_up", .gauge, "1 if the recorder answered when it was last asked.",
            Self.flag(report != nil))
        guard let report else { return }
        record("recorder", report.figures, subject: "the recorder's disk")
        single("recorder_lines", .gauge, "Lines in the record.", report.lines)
        single(
            "recorder_processes", .gauge, "Processes that write through the recorder.",
            report.processes)
        single("recorder_open_calls", .gauge, "Calls without an outcome yet.", report.openCalls)
        single(
            "recorder_rewritten_files_total", .counter,
            "Files made anew without what is no longer kept.", report.rewrittenFiles)
    }

    mutating func streams(_ unsent: [(name: Name, lines: Int)]) {
        guard !unsent.isEmpty else { return }
        family(
            "stream_unsent_lines", .gauge,
            "Lines of this process's log that have not arrived at a stream's other side.")
        for stream in unsent {
            // Names of streams have no sign that would end a label.
            sample("stream_unsent_lines", "{stream=\"\(stream.name.text)\"}", stream.lines)
        }
    }
}

extension Server {
    /// What `/metrics` says.
    var metrics: String {
        var page = MetricsPage()
        page.family("info", .gauge, "Which version, and who keeps the record.")
        let isolation: RecordIsolation = recorderWatch == nil ? .inproc : .recorder
        page.sample(
            "info",
            "{version=\"\(ServerDescription.version)\",isolation=\"\(isolation.rawValue)\"}", 1)
        page.single(
            "ready", .gauge, "1 while calls are taken: what /readyz says.",
            MetricsPage.flag(isReady))
        page.record("record", recorder.figures, subject: "the record")
        page.streams(streams.backlog.unsent)
        if let recorderWatch { page.recorder(recorderWatch.report) }
        return page.text
    }
}
