import JSON
import Synchronization

/// Where lines become durable. `Recorder` is the one; tests use a fake.
package protocol RecordSink: Sendable {
    /// Returns when every line is durable. A body is the members of a JSON object, no braces.
    func append(_ bodies: [[UInt8]]) async throws(RecordError) -> RecordReceipt
}

extension Recorder: RecordSink {}

/// What one call leaves in the record, from its arrival to its outcome.
///
/// A call that ends without `close` is our bug and stops the process: an unrecorded answer must
/// not be possible. A read's intent rides along with its outcome, since it has no effect that a
/// crash could hide; a write's is durable before the backend may act.
struct Trail: ~Copyable {
    private let sink: any RecordSink
    private let arrived: ArrivedCall
    private let id: String
    private let started: ContinuousClock.Instant
    private var guarded: GuardedTool?
    private var pendingIntent: [UInt8]?
    private var isClosed = false

    init(_ arrived: ArrivedCall, sink: any RecordSink) {
        self.arrived = arrived
        self.sink = sink
        id = CallID.next()
        started = .now
    }

    deinit { precondition(isClosed, "a call ended without its record") }

    mutating func found(_ call: ScopedCall) { guarded = call.guarded }

    mutating func intend(_ cleared: borrowing ClearedCall) async throws(Refusal) {
        let intent = line("intent") { writer in
            writer.member("via", arrived.via.kind.rawValue)
            if !arrived.via.address.utf8.isEmpty {
                writer.member("address", arrived.via.address)
            }
            if let parent = arrived.trace.traceparent { writer.member("traceparent", parent) }
            if let client = arrived.trace.clientName { writer.member("clientName", client) }
            write(arguments: cleared.job.arguments, into: &writer)
        }
        if cleared.job.tool.effect == .read {
            pendingIntent = intent
        } else {
            do throws(RecordError) { _ = try await sink.append([intent]) } catch {
                throw Refusal(error)
            }
        }
    }

    /// Durable before the caller learns of it; where that fails, the caller learns only that.
    consuming func close(_ outcome: Outcome) async -> Outcome {
        var trail = consume self
        trail.isClosed = true
        let body = trail.line("outcome") { writer in
            switch outcome {
            case .answered(let result):
                writer.member("code", "ok")
                writer.member("rows", result.rows.rowCount)
                if result.rows.isTruncated { writer.member("truncated", true) }
                if let changed = result.changed { writer.member("changed", changed) }
                writer.member("masked", result.maskedCount)
            case .refused(let refusal):
                writer.member("code", refusal.code.rawValue)
                writer.member("rules", .array(refusal.rules.map { .string($0.text) }))
                if let noted = refusal.noted { writer.member("noted", noted) }
            }
            writer.member("microseconds", (ContinuousClock.now - trail.started).microseconds)
        }
        let bodies = trail.pendingIntent.map { [$0, body] } ?? [body]
        do throws(RecordError) { _ = try await trail.sink.append(bodies) } catch {
            return .refused(Refusal(error))
        }
        return outcome
    }

    private func line(_ event: String, _ members: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter(reserving: 640)
        writer.member("event", event)
        writer.member("call", id)
        writer.raw(arrived.caller.recordMembers)
        if let guarded {
            writer.raw(guarded.recordMembers)
        } else {
            writer.member("tool", arrived.tool.prefixForRecord)
        }
        members(&writer)
        return writer.finish()
    }

    /// The values of masked columns and fields are covered wherever an argument bears their name.
    private func write(arguments: JSONObject, into writer: inout JSONWriter) {
        writer.name("arguments")
        writer.beginObject()
        for argument in arguments.members {
            writer.name(argument.name)
            if let label = guarded?.maskedArguments[Name(argument.name)] {
                writer.string("[\(label)]")
            } else {
                writer.value(argument.value)
            }
        }
        writer.endObject()
    }
}

extension Refusal {
    init(_ error: RecordError) {
        self.init(
            .recordUnavailable,
            "The call was refused because it cannot be recorded at the moment. Try again in 10 seconds; if it persists, tell the operator.",
            noted: "\(error)", retryAfterSeconds: 10)
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
    /// A name that a caller made up, cut before it fills the record.
    fileprivate var prefixForRecord: String { String(unicodeScalars.prefix(128)) }
}
