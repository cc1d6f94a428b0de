import Enforcement
import JSON

/// Tells of what becomes of an issuer's keys: a line on the record, and one for the operator.
enum KeyNotice {
    /// A line of the record.
    static func changed(_ issuer: String, added: Int, removed: Int) -> [UInt8] {
        var writer = JSONWriter()
        writer.member("event", "keys")
        writer.member("v", RecordForm.version)
        writer.member("issuer", issuer)
        writer.member("state", "changed")
        writer.member("added", added)
        writer.member("removed", removed)
        return writer.finish()
    }

    static func tell(
        _ issuer: String, _ event: PublishedKeys.Event, _ reason: String, in recorder: Recorder
    ) async {
        var writer = JSONWriter()
        writer.member("event", "keys")
        writer.member("v", RecordForm.version)
        writer.member("issuer", issuer)
        let words: String
        switch event {
        case .away(let until):
            writer.member("state", "away")
            writer.member("reason", reason)
            if let until { writer.member("until", WallClock.text(until)) }
            let last = until.map { "its last keys serve until \(WallClock.text($0))" }
            words = "does not answer (\(reason)); \(last ?? "its tokens are refused")"
        case .back:
            writer.member("state", "back")
            words = "answers again"
        case .changed(let added, let removed):
            writer.member("state", "changed")
            writer.member("added", added)
            writer.member("removed", removed)
            words = "has other keys: \(added) new, \(removed) gone"
        }
        _ = try? await recorder.append([writer.finish()])
        StandardStream.error.line("issuer \(issuer) \(words)")
    }
}
