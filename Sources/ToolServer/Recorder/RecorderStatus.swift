import Enforcement
import JSON

/// `recorder --status`: how the running recorder does, in its own words. Ends with 1 where it takes
/// no lines.
enum RecorderStatus {
    static func tell(_ settings: RecorderSettings, asJSON: Bool) throws -> ExitCode {
        let report: RecorderReport
        do throws(RecordError) { report = try RecorderReport.ask(settings) } catch {
            throw CommandFailure(error.reason)
        }
        let isGood = report.figures.standing == .good
        if asJSON {
            var writer = JSONWriter()
            report.write(into: &writer)
            StandardStream.output.write(writer.finish() + [0x0A])
        } else {
            StandardStream.output.line(text(report))
        }
        return isGood ? .done : .failed
    }

    static func text(_ report: RecorderReport) -> String {
        let figures = report.figures
        let standing =
            switch figures.standing {
            case .good: "takes lines"
            case .stalled: "the disk does not answer: no lines are taken"
            case .failed: "the disk refuses: no lines are taken"
            }
        let batches = figures.commits.count
        var lines = [
            standing,
            "\(counted(report.lines, "line")) in the record, \(counted(report.processes, "server")) here, \(counted(report.openCalls, "open call"))",
            "since its start: \(counted(figures.lines.sum, "line")) in \(counted(batches, "commit")), stopped \(counted(figures.failures, "time"))",
        ]
        if batches > 0 {
            let bounds = [500, 990].map { figures.commits.bound(of: $0).map(milliseconds) }
            lines.append(
                "a commit takes at most \(bounds[0] ?? "more than 1 s") (half of them), \(bounds[1] ?? "more than 1 s") (99 of 100)"
            )
        }
        if report.rewrittenFiles > 0 {
            lines.append("retention made \(counted(report.rewrittenFiles, "file")) anew")
        }
        if !report.unheardStreams.isEmpty {
            let names = report.unheardStreams.joined(separator: ", ")
            lines.append(
                "retention waits for a server that says how far these streams are: \(names)")
        }
        return lines.joined(separator: "\n")
    }

    private static func milliseconds(_ microseconds: Int) -> String {
        microseconds % 1_000 == 0
            ? "\(microseconds / 1_000) ms" : "\(Double(microseconds) / 1_000) ms"
    }
}
