internal import Enforcement
internal import JSON

/// What the server says in one call, message by message, and what it means.
///
/// A call is four statements in one write: begin, settings, the tool's statement, end. Each answers
/// in turn; after an error the server says nothing more until the end. A change that is to be found
/// again says its transaction before its statement. Pure: it sees messages and says what is to be
/// done, so that every order can be tested with bytes alone.
struct PostgresExchange {
    enum Stage: Int {
        case begin, open, mark, statement, end, over
    }

    enum Step: Equatable {
        case goOn
        /// A limit is met: nothing more of this answer is wanted.
        case cut
        /// The statement is done and the end was not sent with it.
        case mayEnd
        /// It has said which transaction this is.
        case marked
        /// The server is ready; true where it is outside of a transaction.
        case ready(isOutside: Bool)
        /// It says what it may not say here, so that nothing it says can be trusted.
        case broken
    }

    struct Fault {
        var stage: Stage
        var code: String
        var isFatal: Bool
        /// Where the statement's values had been taken.
        var wasBound: Bool
    }

    let plan: PostgresPlan
    let effect: Tool.Effect
    /// Whether the statement is prepared in this call.
    let prepares: Bool
    /// Where its transaction is to be known by.
    private let cluster: String?
    private(set) var mark: TransactionMark?
    private(set) var stage = Stage.begin
    private(set) var fault: Fault?
    private(set) var cells: PostgresCells
    private(set) var changed: Int?
    /// The server describes another statement than the one that was examined.
    private(set) var isStale = false
    /// Whether the server has said anything at all.
    private(set) var sawAnything = false
    /// What still comes of the answer is passed over.
    private var isCut = false
    /// Statements whose values were taken, and those that are over.
    private var bound = 0
    private var ended = 0

    init(_ call: PostgresCall, prepares: Bool) {
        plan = call.plan
        effect = call.effect
        self.prepares = prepares
        cluster = call.cluster
        cells = PostgresCells(plan, within: call.bounds)
    }

    mutating func take(_ frame: PostgresFrame) -> Step {
        switch unsafe frame.type {
        case UInt8(ascii: "D"): return unsafe takeRow(frame)
        case UInt8(ascii: "2"):
            bound += 1
            sawAnything = true
        case UInt8(ascii: "C"), UInt8(ascii: "I"), UInt8(ascii: "s"):
            return unsafe takeEnd(of: frame)
        case UInt8(ascii: "T"): isStale = unsafe isStale || !plan.describes(frame)
        case UInt8(ascii: "n"): isStale = isStale || !plan.columns.isEmpty
        case UInt8(ascii: "1"), UInt8(ascii: "t"), UInt8(ascii: "3"): break
        case UInt8(ascii: "N"), UInt8(ascii: "S"), UInt8(ascii: "A"): break
        case UInt8(ascii: "E"): unsafe takeError(frame)
        case UInt8(ascii: "Z"):
            let status = unsafe frame.body.first
            return .ready(isOutside: status == UInt8(ascii: "I"))
        default: return .broken
        }
        return .goOn
    }

    private mutating func takeRow(_ frame: PostgresFrame) -> Step {
        if stage == .mark, let cluster {
            guard let text = unsafe frame.onlyText else { return .broken }
            mark = TransactionMark(text, cluster: cluster)
            return .goOn
        }
        guard stage == .statement else { return stage == .open ? .goOn : .broken }
        if isCut { return .goOn }
        isCut = unsafe !cells.append(frame)
        return isCut ? .cut : .goOn
    }

    private mutating func takeEnd(of frame: PostgresFrame) -> Step {
        let after = stage == .open && cluster == nil ? stage.rawValue + 2 : stage.rawValue + 1
        guard let next = Stage(rawValue: after) else { return .broken }
        ended += 1
        if stage == .statement {
            if unsafe frame.type == UInt8(ascii: "s") { cells.cut() }
            if effect == .write { changed = unsafe frame.changedCount ?? 0 }
        }
        let isMark = stage == .mark
        stage = next
        if isMark { return mark == nil ? .broken : .marked }
        return next == .end ? .mayEnd : .goOn
    }

    private mutating func takeError(_ frame: PostgresFrame) {
        guard fault == nil else { return }
        let (code, isFatal) = unsafe frame.errorCode
        fault = Fault(
            stage: stage, code: code, isFatal: isFatal, wasBound: bound > ended)
    }

    /// The next row is larger than any limit.
    mutating func cut() {
        cells.cut()
        isCut = true
    }

    /// The longest message that is read whole; a longer row is a cut.
    func bytesMax(ofType type: UInt8) -> Int {
        type == UInt8(ascii: "D") ? cells.bounds.bytes + (64 << 10) : 1 << 20
    }
}
