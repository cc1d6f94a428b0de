import JSON
import Synchronization

/// Where lines become durable. `Recorder` is the one; tests use a fake.
package protocol RecordSink: Sendable {
    /// Returns when every line is durable. A body is the members of a JSON object, no braces.
    func append(_ bodies: [[UInt8]]) async throws(RecordError) -> RecordReceipt
}

extension Recorder: RecordSink {}

extension RecordReceipt {
    /// For sinks other than the recorder.
    package init(lines: ClosedRange<Int>) {
        self.init(firstSequence: lines.lowerBound, lastSequence: lines.upperBound)
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
    private let arrived: ArrivedCall
    private let values: ValueMasks
    private let id: String
    private let started: ContinuousClock.Instant
    private var guarded: GuardedTool?
    /// What is sent, for operations that each call settles anew.
    private var request: BackendRequest?
    private var pendingIntent: [UInt8]?
    private var hasIntent = false
    /// From here on the backend may have changed something.
    private var mayHaveActed = false
    /// The question to which the caller said yes.
    private var question: String?
    private var observing: [Rule] = []
    private var isClosed = false

    init(_ arrived: ArrivedCall, sink: any RecordSink, values: ValueMasks = ValueMasks()) {
        self.values = values
        self.arrived = arrived
        self.sink = sink
        id = arrived.id
        started = .now
    }

    deinit { precondition(isClosed, "a call ended without its record") }

    mutating func found(_ call: ScopedCall) { guarded = call.guarded }

    mutating func examined(_ call: ExaminedCall) { request = call.request }

    mutating func observed(_ rules: [Rule]) { observing = rules }

    mutating func heard(_ call: ConfirmedCall) { question = call.question }

    /// On record before anybody is asked; what they said stands in the call's next line.
    func ask(_ question: Question) async throws(Refusal) {
        let asked = line("asked") { $0.member("question", question.id) }
        do throws(RecordError) { _ = try await sink.append([asked]) } catch {
            throw Refusal(error)
        }
    }

    mutating func intend(_ cleared: borrowing ClearedCall) async throws(Refusal) {
        let intent = line("intent") { writer in writeCircumstances(into: &writer) }
        hasIntent = true
        if cleared.job.tool.effect == .read {
            pendingIntent = intent
        } else {
            do throws(RecordError) { _ = try await sink.append([intent]) } catch {
                throw Refusal(error)
            }
            mayHaveActed = true
        }
    }

    /// Durable before the caller learns of it; where that fails, the caller learns only that.
    consuming func close(_ outcome: Outcome) async -> Outcome {
        var trail = consume self
        trail.isClosed = true
        let body = trail.line("outcome") { writer in
            // A call that was refused before it could run has only this line to tell what it was.
            if !trail.hasIntent { trail.writeCircumstances(into: &writer) }
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
            for effect in Rule.Effect.allCases {
                let rules = trail.observing.filter { $0.effect == effect }
                guard !rules.isEmpty else { continue }
                let ids = rules.map { JSONValue.string($0.id.text) }
                writer.member("would-\(effect.rawValue)", .array(ids))
            }
            writer.member("microseconds", (ContinuousClock.now - trail.started).microseconds)
        }
        let bodies = trail.pendingIntent.map { [$0, body] } ?? [body]
        do throws(RecordError) { _ = try await trail.sink.append(bodies) } catch {
            return .refused(trail.mayHaveActed ? Refusal(afterActing: error) : Refusal(error))
        }
        return outcome
    }

    private func line(_ event: String, _ members: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter(reserving: 640)
        writer.member("event", event)
        writer.member("call", id)
        writer.raw(arrived.caller.recordMembers)
        writer.member("tool", guarded?.tool.name.text ?? shown(arrived.tool))
        members(&writer)
        return writer.finish()
    }

    /// From where, with what, on what: once a call, in its first line.
    private func writeCircumstances(into writer: inout JSONWriter) {
        writer.member("via", arrived.via.kind.rawValue)
        if let question { writer.member("confirmed", question) }
        if let task = arrived.detachment?.id { writer.member("task", task.text) }
        if !arrived.via.address.utf8.isEmpty { writer.member("address", arrived.via.address) }
        if let parent = arrived.trace.traceparent {
            writer.member("traceparent", parent.prefixForRecord)
        }
        if let client = arrived.trace.clientName {
            writer.member("clientName", shown(client))
        }
        guard let guarded else {
            // What the arguments of no tool mean is unknown, hence what of them is secret too.
            let names = arrived.arguments.members.prefix(16).map {
                JSONValue.string(shown($0.name))
            }
            return writer.member("argumentNames", .array(names))
        }
        writer.raw(guarded.recordMembers)
        if case .http(let request)? = request { writer.member("host", request.host) }
        writer.name("arguments")
        var document = DocumentMask(values, Policy(), for: nil)
        write(document.masked(.object(arrived.arguments)), into: &writer)
    }

    /// What a caller made up: cut before it fills the record, and masked as any text.
    private func shown(_ text: String) -> String {
        var mask = TextMask(values, wanted: values.wanted(for: nil))
        return mask.masked(text.prefixForRecord)
    }

    /// The values of masked columns and fields are covered wherever a member bears their name:
    /// an argument may be a whole record. All others are masked by value.
    private func write(_ value: JSONValue, into writer: inout JSONWriter) {
        switch value {
        case .object(let object):
            writer.beginObject()
            for member in object.members {
                writer.name(member.name)
                if let label = guarded?.label(forArgument: member.name) {
                    writer.string("[\(label)]")
                } else {
                    write(member.value, into: &writer)
                }
            }
            writer.endObject()
        case .array(let values):
            writer.beginArray()
            for value in values { write(value, into: &writer) }
            writer.endArray()
        default: writer.value(value)
        }
    }
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
enum CallID {
    private static let run = String(UInt64.random(in: .min ... .max), radix: 36)
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
    /// What a caller made up, cut before it fills the record.
    fileprivate var prefixForRecord: String { String(unicodeScalars.prefix(128)) }
}
