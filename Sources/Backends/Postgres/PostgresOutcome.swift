internal import Enforcement
internal import EventLoop
internal import JSON

/// What became of one call on one connection.
enum PostgresOutcome {
    case answered(RawResult)
    case failed(BackendError)
    /// The end of this transaction was sent and nothing came back; if it was made, this is its
    /// answer.
    case uncertain(TransactionMark, RawResult)
    /// The server has not begun with it: another connection may take it.
    case untouched
    /// A read that stood behind another which failed, was stopped or took long: it may run again.
    case displaced
    /// The statement is no longer what was examined, or must be prepared anew. Nothing was changed.
    case stale
}

/// One call as a connection takes it.
struct PostgresCall {
    var plan: PostgresPlan
    var effect: Tool.Effect
    var bounds: RowBounds
    var settings: [PostgresArgument]
    var arguments: [PostgresArgument]
    var deadline: MonotonicTime
    /// Told of the change's transaction before it is made.
    var witness: (any RunWitness)?
    /// What its transaction is known by; set by the connection, where somebody wants to know.
    var cluster: String?
}

extension PostgresExchange {
    /// The cached plan does not fit any more, or somebody has dropped it.
    var isOutdated: Bool {
        guard let fault, !prepares, fault.stage == .statement else { return false }
        return fault.code.isByteEqual(to: "0A000") || fault.code.isByteEqual(to: "26000")
    }

    /// Of what has been said. `stopped` is why we ended it, if we did.
    func outcome(stopped: BackendError.Reason?) -> PostgresOutcome {
        // What comes after the end of the transaction takes nothing back.
        if let fault, fault.stage != .over { return outcome(of: fault, stopped: stopped) }
        if isStale { return .stale }
        if let fault = cells.fault { return .failed(BackendError(.form, detail: fault)) }
        return .answered(RawResult(rows: cells.rows, changed: changed))
    }

    private func outcome(of fault: Fault, stopped: BackendError.Reason?) -> PostgresOutcome {
        if fault.isFatal, !sawAnything { return .untouched }
        if fault.isFatal, effect == .write, fault.stage == .end {
            return unknown("SQLSTATE \(fault.code)")
        }
        if isOutdated { return .stale }
        var error = BackendError(fault)
        if let stopped, error.reason == .timedOut { error.reason = stopped }
        return .failed(error)
    }

    private func unknown(_ detail: String) -> PostgresOutcome {
        guard let mark else { return .failed(BackendError(.unknown, detail: detail)) }
        return .uncertain(mark, RawResult(rows: cells.rows, changed: changed))
    }

    /// The connection broke in the middle. `mayBeMade` says whether the change's end was sent.
    func outcomeWhenBroken(
        stopped: BackendError.Reason?, mayBeMade: Bool
    ) -> PostgresOutcome {
        if stage == .over || fault != nil { return outcome(stopped: stopped) }
        if effect == .write, mayBeMade {
            return unknown("the connection broke")
        }
        if !sawAnything, stopped == nil { return .untouched }
        return .failed(BackendError(stopped ?? .unavailable, detail: "the connection broke"))
    }
}
