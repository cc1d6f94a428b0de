package import JSON

/// A call as a transport hands it over: nothing about it is established but the caller's proof. One
/// object, which every stage holds.
package final class ArrivedCall: Sendable {
    package let caller: IdentifiedCaller
    package let tool: String
    package let arguments: JSONObject
    package let via: Transport
    /// For the record only.
    package let trace: Trace
    /// Ours, which no two calls share, over restarts too.
    package let id: String
    package let reach: CallerReach
    /// Of a call that the record tells of, where it does not hold the values; nil for all others.
    let recorded: RecordedFacts?
    /// How the call goes on after its request was answered; nil when it may not.
    package let detachment: (any Detachment)?
    /// Where the call says that it is held.
    package let notice: (any CallNotice)?
    /// Set by the approval stage, for a call that comes back by its handle.
    let resumption: Resumption?
    /// Whether its request has been answered already, with a task.
    var isDetached: Bool { detachment?.hasBegun == true }

    package convenience init(
        caller: IdentifiedCaller, tool: String, arguments: JSONObject, via: Transport,
        trace: Trace = Trace(), reach: CallerReach = .none, detachment: (any Detachment)? = nil,
        notice: (any CallNotice)? = nil
    ) {
        self.init(
            caller: caller, tool: tool, arguments: arguments, via: via, trace: trace, reach: reach,
            detachment: detachment, notice: notice, recorded: nil)
    }

    /// As a line of the record tells of it.
    init(
        caller: IdentifiedCaller, tool: String, arguments: JSONObject, via: Transport,
        trace: Trace = Trace(), reach: CallerReach = .none, detachment: (any Detachment)? = nil,
        notice: (any CallNotice)? = nil, recorded: RecordedFacts?
    ) {
        self.caller = caller
        self.tool = tool
        self.arguments = arguments
        self.via = via
        self.trace = trace
        id = CallID.next()
        self.reach = reach
        self.recorded = recorded
        self.detachment = detachment
        self.notice = notice
        resumption = nil
    }

    /// The call that was held before and for which this one comes back.
    init(_ call: ArrivedCall, standingFor request: ApprovalRequest, _ resumption: Resumption) {
        caller = call.caller
        tool = request.tool.text
        arguments = request.arguments
        via = call.via
        trace = call.trace
        id = call.id
        reach = call.reach
        recorded = call.recorded
        detachment = call.detachment
        notice = call.notice
        self.resumption = resumption
    }
}

package struct Transport: Sendable {
    package enum Kind: String, Sendable { case http, stdio }
    package var kind: Kind
    /// The peer's address without port; empty on stdio.
    package var address: String

    package init(kind: Kind, address: String) {
        self.kind = kind
        self.address = address
    }
}

/// What ties a call to what its client does besides; all of it is the client's own word.
package final class Trace: Sendable {
    package let traceparent: String?
    package let clientName: String?
    /// Calls of one session of the protocol have the same.
    package let session: String?
    /// The model's own name of this use of a tool.
    package let toolUse: String?
    /// Why the caller makes the call, in their words.
    package let reason: String?

    package init(
        traceparent: String? = nil, clientName: String? = nil, session: String? = nil,
        toolUse: String? = nil, reason: String? = nil
    ) {
        self.traceparent = traceparent
        self.clientName = clientName
        self.session = session
        self.toolUse = toolUse
        self.reason = reason
    }
}

/// What a cleared call may do, handed to its backend once.
package struct Job: Sendable {
    package let tool: Tool
    package let arguments: JSONObject
    /// Whose call it is, so that a backend can share itself out fairly.
    package let caller: CallerID
    /// What the caller's identity says, for operations that take something from it.
    package let identity: Caller?
    /// Monotonic; the backend must have stopped by then.
    package let deadline: ContinuousClock.Instant
    /// What was judged, for operations that each call settles anew: exactly this is sent.
    package let request: BackendRequest?
    /// What the judgement believed: an operation that is now something else must not run.
    package let examination: Examination
    /// Columns of `Examination.blankable` that values which may fail are computed without.
    package let blank: Set<ColumnPath>
    /// Output columns of whose values nothing is shown, by place; empty where there are none. A
    /// backend need not hold them, and nothing may depend on how long they are.
    package let hidden: [Bool]
    /// The call's own id: the same for every attempt of it.
    package let call: String
    /// Told by what the run can be found again; nil where nobody would look for it.
    package let witness: (any RunWitness)?

    package var bounds: RowBounds { RowBounds(tool.limits, for: tool.effect, hidden: hidden) }

    package init(
        tool: Tool, arguments: JSONObject, caller: CallerID = .nobody, identity: Caller? = nil,
        deadline: ContinuousClock.Instant, request: BackendRequest? = nil,
        examination: Examination? = nil, blank: Set<ColumnPath> = [], hidden: [Bool] = [],
        call: String = "", witness: (any RunWitness)? = nil
    ) {
        self.witness = witness
        self.blank = blank
        self.hidden = hidden
        self.call = call
        self.tool = tool
        self.arguments = arguments
        self.caller = caller
        self.identity = identity
        self.deadline = deadline
        self.request = request
        self.examination = examination ?? tool.examination
    }
}

/// Exactly what a backend would be sent, made once: rules judge it, people approve it, the record
/// holds it and the backend gets it, so that none of them can mean another.
package enum BackendRequest: Sendable {
    case sql(text: String, parameters: [JSONValue])
    case http(OutboundRequest)
    /// What would be granted, for a person to read.
    case access(JSONObject)
}

/// What one call would touch and send, found out without effect.
package struct CallExamination: Sendable {
    package var examination: Examination
    package var request: BackendRequest

    package init(examination: Examination, request: BackendRequest) {
        self.examination = examination
        self.request = request
    }
}

package protocol CallRunner: Sendable {
    /// The facts about one call, without effect. The gate asks for operations that are not settled
    /// at load; whoever shows a call to a person asks for any.
    func examine(_ job: Job) async throws(BackendError) -> CallExamination

    /// Runs a call that passed every stage. Stops early when its task is cancelled.
    func run(_ call: consuming ClearedCall) async throws(BackendError) -> RawResult

    func fate(of mark: TransactionMark, on backend: Name) async -> RunFate

    /// Queries of the rows that a statement would change. Nothing is run.
    func preview(
        of statement: String, _ values: [JSONValue], on backend: Name
    ) throws(BackendError) -> ChangePreview
}

extension CallRunner {
    package func preview(
        of statement: String, _ values: [JSONValue], on backend: Name
    ) throws(BackendError) -> ChangePreview {
        throw BackendError(.refused, detail: "this backend has no rows to show")
    }
}

package protocol Backend: CallRunner {
    /// The facts about an operation, without effect. Asked at load, where it may block.
    func examine(_ operation: Operation, effect: Tool.Effect) throws(BackendError) -> Examination

    /// Asked at load, to compare with what the policy names.
    func columns() throws(BackendError) -> BackendColumns
}

/// Why a backend did not answer. Never holds the driver's text, a value or a literal.
package struct BackendError: Error, Sendable {
    package enum Reason: Sendable {
        case busy, timedOut, cancelled, unavailable
        /// The statement cannot be prepared or is not allowed; only at load.
        case invalid
        /// An argument that the backend cannot take as it is; `detail` names it, never its value,
        /// and is told to the caller.
        case argument
        /// The caller's identity lacks what the operation takes from it; `detail` says what.
        case identity
        /// The change may have been made or not: nobody knows.
        case unknown
        /// A caller's statement that may not be asked at all, or that the database does not take;
        /// `detail` says why and is told to the caller.
        case refused, statement
        /// What the arguments name is not there.
        case notFound
        /// The backend does not take the request, and says that it changed nothing.
        case rejected
        /// The backend does not accept our credential.
        case unauthorized
        /// A constraint of the data refused the change.
        case constraint
        /// A result that is over a limit that may not be cut.
        case result
        /// A result that cannot be represented; `detail` says what of it in our words, never what
        /// stands there, and is told to the caller.
        case form
        /// What is examined is no longer what was judged: the schema changed.
        case outdated
        case failed
    }
    package var reason: Reason
    /// For the operator's eyes: the driver's code, and at load its message.
    package var detail: String
    /// When the backend says that it will be ready again.
    package var retryAfterSeconds: Int?
    /// The backend's own words, where the tool's manifest wants them told. They are masked first.
    package var words: String?

    package init(_ reason: Reason, detail: String, retryAfterSeconds: Int? = nil) {
        self.reason = reason
        self.detail = detail
        self.retryAfterSeconds = retryAfterSeconds
    }
}
