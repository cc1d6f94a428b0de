import JSON
import Synchronization

/// Where lines become durable. `Recorder` is the one; tests use a fake.
package protocol RecordSink: Sendable {
    /// Returns when every line is durable. A body is the members of a JSON object, no braces.
    func append(_ bodies: [[UInt8]]) async throws(RecordError) -> RecordReceipt
    /// The answer is durable then too, beside the record, and the last line says where.
    func append(
        _ bodies: [[UInt8]], keeping answer: AnswerBody?
    ) async throws(RecordError) -> RecordReceipt
}

extension RecordSink {
    package func append(
        _ bodies: [[UInt8]], keeping answer: AnswerBody?
    ) async throws(RecordError) -> RecordReceipt {
        guard answer == nil else { throw .malformed("no answer is kept here") }
        return try await append(bodies)
    }
}

extension Recorder: RecordSink {
    package func append(_ bodies: [[UInt8]]) async throws(RecordError) -> RecordReceipt {
        try await append(bodies, keeping: nil)
    }
}

extension RecordReceipt {
    /// For sinks other than the recorder.
    package init(lines: ClosedRange<Int>, evidence: RecordEvidence? = nil) {
        self.init(
            firstSequence: lines.lowerBound, lastSequence: lines.upperBound, evidence: evidence)
    }
}

/// What one call leaves in the record, from its arrival to its outcome.
///
/// A call that ends without `close` is our bug and stops the process: an unrecorded answer must
/// not be possible. A read's intent rides along with its outcome, since it has no effect that a
/// crash could hide; a write's is durable before the backend may act.
struct Trail: ~Copyable, CallWitness {
    static var wantsRequest: Bool { false }

    private let sink: any RecordSink
    private var arrived: ArrivedCall
    private let values: ValueMasks
    private let aside: (any Aside)?
    private let id: String
    private let started: ContinuousClock.Instant
    private var guarded: GuardedTool?
    private var examined: ExaminedCall?
    /// What was granted for a while and lets the call pass.
    private var grant: Name?
    /// The rules that want a person to look at the call; nil where the rules did not let it pass.
    private var holding: [Rule]?
    /// What the rules saw besides the call.
    private var moment = Moment()
    /// Written beforehand where they are many: their member, and what of them is covered.
    private var shownArguments: (member: [UInt8], covered: [String])?
    private var pendingIntent: [UInt8]?
    private var hasIntent = false
    /// From here on the backend may have changed something.
    private var mayHaveActed = false
    /// The question to which the caller said yes.
    private var question: String?
    private var observing: [Rule] = []
    private var isClosed = false

    init(
        _ arrived: ArrivedCall, sink: any RecordSink, values: ValueMasks = ValueMasks(),
        aside: (any Aside)? = nil
    ) {
        self.values = values
        self.aside = aside
        self.arrived = arrived
        self.sink = sink
        id = arrived.id
        started = .now
    }

    deinit { precondition(isClosed, "a call ended without its record") }

    mutating func found(_ call: ScopedCall) {
        guarded = call.guarded
        grant = call.grant
        // Who comes back by a handle means the call behind it.
        arrived = call.arrived
    }

    mutating func examined(_ call: ExaminedCall) { examined = call }

    mutating func observed(_ rules: [Rule]) { observing = rules }

    mutating func judged(at moment: Moment) { self.moment = moment }

    mutating func screened(_ call: ScreenedCall) { holding = call.holding }

    mutating func heard(_ call: ConfirmedCall) { question = call.question }

    /// On record before anybody is asked; what they said stands in the call's next line.
    func ask(_ question: Question) async throws(Refusal) {
        let asked = line("asked") { $0.member("question", question.id) }
        try await append(asked)
    }

    /// On record before anybody can decide about it.
    func hold(_ request: ApprovalRequest) async throws(Refusal) {
        let held = line("held") { writer in
            writer.member("approval", request.id.text)
            writer.member("binding", request.binding.hex)
            writer.member("rules", request.needs.map(\.rule).json)
            writer.member("groups", request.groups.json)
            writer.member("expires", request.expires)
        }
        try await append(held)
    }

    /// Durable before anything follows from it.
    private func append(_ line: [UInt8]) async throws(Refusal) {
        do throws(RecordError) { _ = try await sink.append([line]) } catch { throw Refusal(error) }
    }

    mutating func intend(_ cleared: borrowing ClearedCall) async throws(Refusal) {
        await maskArguments()
        let claim = cleared.claim
        let intent = line("intent") { writer in
            if let held = claim?.held {
                writer.member("approval", held.request.id.text)
                writer.member("fence", held.entry.version)
                writer.member("approvers", .array(held.request.votes.map(\.person.json)))
                if held.request.isForced { writer.member("forced", true) }
                if !held.request.edits.isEmpty {
                    writer.member("editors", .array(held.request.edits.map(\.person.json)))
                }
            }
            writeDecision(nil, into: &writer)
            writeCircumstances(into: &writer)
        }
        hasIntent = true
        if cleared.job.tool.effect == .read, claim == nil {
            pendingIntent = intent
        } else {
            try await append(intent)
            mayHaveActed = true
            claim?.begin()
        }
    }

    /// Durable before the caller learns of it; where that fails, the caller learns only that.
    consuming func close(_ outcome: Outcome) async -> Outcome {
        var trail = consume self
        trail.isClosed = true
        if !trail.hasIntent { await trail.maskArguments() }
        var answer: AnswerBody?
        if let term = trail.guarded?.keeping {
            answer = await AnswerBody(outcome, of: trail.id, under: term, aside: trail.aside)
        }
        let body = trail.outcomeLine(outcome, keeping: answer)
        let bodies = trail.pendingIntent.map { [$0, body] } ?? [body]
        do throws(RecordError) {
            let receipt = try await trail.sink.append(bodies, keeping: answer)
            return receipt.evidence.map { outcome.with($0) } ?? outcome
        } catch {
            return .refused(trail.mayHaveActed ? Refusal(afterActing: error) : Refusal(error))
        }
    }

    private func outcomeLine(_ outcome: Outcome, keeping answer: AnswerBody?) -> [UInt8] {
        line("outcome", reserving: hasIntent ? 480 : 960) { writer in
            var code: Refusal.Code?
            if case .refused(let refusal) = outcome { code = refusal.code }
            // A call that was refused before it could run has only this line to tell what it was.
            if !hasIntent {
                writeDecision(code, into: &writer)
                writeCircumstances(into: &writer)
            }
            switch outcome {
            case .answered(let result):
                writer.member("code", "ok")
                writer.member("rows", result.rows.rowCount)
                if result.rows.isTruncated { writer.member("truncated", true) }
                if let changed = result.changed { writer.member("changed", changed) }
                writer.member("masked", result.maskedCount)
                if !result.reveals.isEmpty {
                    writer.member("revealedBy", .array(result.reveals.map { .string($0.text) }))
                }
            case .refused(let refusal):
                writer.member("code", refusal.code.rawValue)
                writer.member("rules", .array(refusal.rules.map { .string($0.text) }))
                if let noted = refusal.noted { writer.member("noted", noted) }
            }
            for effect in Rule.Effect.allCases where !observing.isEmpty {
                let rules = observing.filter { $0.effect == effect }
                guard !rules.isEmpty else { continue }
                let ids = rules.map { JSONValue.string($0.id.text) }
                writer.member("would-\(effect.rawValue)", .array(ids))
            }
            if let answer, answer.bytes == nil { writer.member("unkept", "long") }
            writer.member("microseconds", (ContinuousClock.now - started).microseconds)
        }
    }

    /// Small blocks of memory are at hand; those of a kilobyte and more have to be looked for.
    private func line(
        _ event: String, reserving bytes: Int = 960, _ members: (inout JSONWriter) -> Void
    ) -> [UInt8] {
        var writer = JSONWriter(reserving: bytes)
        writer.member("event", event)
        writer.member("call", id)
        writer.member("v", RecordForm.version)
        writer.raw(arrived.caller.recordMembers)
        writer.member("tool", guarded?.tool.name.text ?? shown(arrived.tool))
        if let grant { writer.member("grant", grant.text) }
        members(&writer)
        return writer.finish()
    }

    /// What the rules said, whatever became of the call after them; nothing where they were never
    /// asked.
    private func writeDecision(_ code: Refusal.Code?, into writer: inout JSONWriter) {
        if let code, code.isOfRules {
            return writer.member("decision", RuleDecision(refusing: code).rawValue)
        }
        guard let holding else { return }
        let decision = holding.isEmpty ? RuleDecision.allow : .hold
        writer.member("decision", decision.rawValue)
        guard !holding.isEmpty else { return }
        writer.member("held", .array(holding.map { .string($0.id.text) }))
    }

    /// From where, with what, on what: once a call, in its first line.
    private func writeCircumstances(into writer: inout JSONWriter) {
        writer.member("via", arrived.via.kind.rawValue)
        if let question { writer.member("confirmed", question) }
        if let task = arrived.detachment?.id { writer.member("task", task.text) }
        if !arrived.via.address.utf8.isEmpty { writer.member("address", arrived.via.address) }
        writeTrace(into: &writer)
        guard let guarded else {
            // What the arguments of no tool mean is unknown, hence what of them is secret too.
            let names = arrived.arguments.members.prefix(16).map {
                JSONValue.string(shown($0.name))
            }
            return writer.member("argumentNames", .array(names))
        }
        writer.raw(guarded.recordMembers)
        if case .http(let request)? = examined?.request { writer.member("host", request.host) }
        let covered = writeArguments(of: guarded, into: &writer)
        var facts = FactsLine(
            arrived, of: guarded, examined, at: moment, values, covered: covered)
        facts.write(into: &writer)
    }

    /// Answers what of them is covered.
    private func writeArguments(
        of guarded: GuardedTool, into writer: inout JSONWriter
    ) -> [String] {
        if let shownArguments {
            writer.raw(shownArguments.member)
            return shownArguments.covered
        }
        var arguments = ArgumentsLine(arrived.arguments, of: guarded)
        arguments.write(into: &writer)
        return arguments.covered
    }

    private mutating func maskArguments() async {
        let arguments = arrived.arguments
        guard let guarded, let aside, JSONValue.object(arguments).isLarger(than: inlineBytesMax)
        else { return }
        shownArguments = await aside.run {
            var line = ArgumentsLine(arguments, of: guarded)
            var writer = JSONWriter()
            line.write(into: &writer)
            return (writer.finish(), line.covered)
        }
    }

    /// What a caller made up: masked as any text, and cut before it fills the record.
    private func shown(_ text: String, most: Int = 128) -> String {
        var mask = TextMask(values, wanted: values.wanted(for: nil))
        return mask.maskedStart(of: text, most: most)
    }

    private func writeTrace(into writer: inout JSONWriter) {
        let trace = arrived.trace
        if let parent = trace.traceparent {
            writer.member("traceparent", parent.isTraceParent ? parent : shown(parent))
        }
        if let client = trace.clientName { writer.member("clientName", shown(client)) }
        if let session = trace.session {
            writer.member("session", String(session.unicodeScalars.prefix(128)))
        }
        if let use = trace.toolUse { writer.member("toolUse", shown(use)) }
        if let reason = trace.reason {
            writer.member("reason", shown(reason, most: Self.reasonMax))
        }
    }

    private static let reasonMax = 512
}

extension Refusal {
    init(_ error: RecordError) {
        self.init(
            .recordUnavailable,
            "The call was refused because it cannot be recorded at the moment. Try again in 10 seconds; if it persists, tell the operator.",
            noted: "\(error)", retryAfterSeconds: 10)
    }

    /// No time to try again: the same call would make the same change twice.
    init(afterActing error: RecordError) {
        self.init(
            .recordUnavailable,
            "The change may have been made, but its outcome cannot be recorded, so it is not shown. Do not repeat the call: look first whether the change is there, and tell the operator.",
            noted: "\(error)")
    }
}

/// Ids that no two calls share, over restarts too.
package enum CallID {
    /// Of this process: small letters and digits, in front of the number of each call.
    package static let run = String(UInt64.random(in: .min ... .max), radix: 36)
    private static let last = Atomic<UInt64>(0)

    static func next() -> String {
        let (_, number) = last.add(1, ordering: .relaxed)
        return "\(run)-\(number)"
    }
}

extension Duration {
    var microseconds: Int64 {
        components.seconds &* 1_000_000 &+ components.attoseconds / 1_000_000_000_000
    }
}

extension String {
    /// `00-…-…-01`: digits that stand for nothing but a trace.
    fileprivate var isTraceParent: Bool {
        utf8.count == 55
            && utf8.enumerated().allSatisfy { place, byte in
                if place == 2 || place == 35 || place == 52 { return byte == UInt8(ascii: "-") }
                return (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
            }
    }
}
