internal import Enforcement
internal import EventLoop

/// What a change needs beside a read: its statement is known first, its transaction is noted where
/// somebody may look for it, and its end comes when its answer is here.
extension PostgresConnection {
    /// As if nothing had been said of it yet.
    func sendChange(_ call: PostgresCall) {
        underway[0].exchange = PostgresExchange(call, prepares: false)
        send(call)
    }

    /// On disk before the end is sent, while the statement runs.
    func tell(_ change: PostgresUnderway) {
        guard let mark = change.exchange.mark, let witness = change.call.witness else { return }
        Task(executorPreference: loop) { [self, id = change.id] in
            noted(await witness.note(.transaction(mark)), id)
        }
    }

    private func noted(_ isNoted: Bool, _ id: Int) {
        guard phase == .running, let first = underway.first, first.id == id else { return }
        if note.isDone(isNoted) { endChange(first) }
    }

    /// The rows of a change are here and it stands open: it is made only if they can be shown.
    func endChange(_ change: PostgresUnderway) {
        guard note.mayEnd() else { return }
        let cells = change.exchange.cells
        guard change.stopReason == nil, !cells.rows.isTruncated, cells.fault == nil, !note.hasFailed
        else {
            let reason = change.stopReason ?? (note.hasFailed ? .busy : .result)
            finish(.failed(BackendError(reason, detail: "not made: not to be shown, or not noted")))
            phase = .cleaning
            return tidyUp(isOutside: false, after: .write)
        }
        wasEndSent = true
        outbox.addCommit()
        readiesDue = 1
        flush()
    }
}
