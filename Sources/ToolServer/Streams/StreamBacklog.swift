import Enforcement
import JSON
import Synchronization

/// How far streams are behind this process's log, and whether calls must wait for them.
///
/// A call reads one number, so that nothing slow stands between it and its record.
final class StreamBacklog: Sendable {
    struct Standing: Sendable {
        let name: Name
        let bound: StreamSettings.Bound?
        /// Lines before it have arrived, or need not; nil until that is known.
        var sent: Int?
    }

    private let last = Atomic<Int>(0)
    private let allowed = Atomic<Int>(.max)
    private let streams: Mutex<[Standing]>

    init(_ settings: [StreamSettings]) {
        streams = Mutex(settings.map { Standing(name: $0.name, bound: $0.bound) })
    }

    /// A line of this number is durable.
    func recorded(_ sequence: Int) {
        _ = last.max(sequence, ordering: .relaxed)
    }

    var recordedLast: Int { last.load(ordering: .relaxed) }

    /// Nothing that has an effect may begin.
    var isOver: Bool { recordedLast >= allowed.load(ordering: .relaxed) }

    /// Of each stream, as far as that is known.
    var unsent: [(name: Name, lines: Int)] {
        let end = recordedLast + 1
        return streams.withLock { streams in
            streams.compactMap { stream in
                stream.sent.map { (stream.name, max(0, end - $0)) }
            }
        }
    }

    func arrived(_ stream: Int, to sequence: Int) {
        change(stream) { $0.sent = max($0.sent ?? 0, sequence) }
    }

    private func change(_ stream: Int, _ body: (inout Standing) -> Void) {
        streams.withLock { streams in
            body(&streams[stream])
            let limits = streams.compactMap { standing in
                guard let bound = standing.bound, bound.then == .refuse, let sent = standing.sent
                else { return nil as Int? }
                return sent + bound.lines
            }
            allowed.store(limits.min() ?? .max, ordering: .relaxed)
        }
    }
}

/// The record, closed to new calls while a stream that may not lose anything is too far behind.
struct StreamedRecord: RecordSink {
    let recorder: Recorder
    let backlog: StreamBacklog

    func append(_ bodies: [[UInt8]]) async throws(RecordError) -> RecordReceipt {
        try await append(bodies, keeping: nil)
    }

    func append(
        _ bodies: [[UInt8]], keeping answer: AnswerBody?
    ) async throws(RecordError) -> RecordReceipt {
        // What has begun is recorded to its end, and so is what was refused.
        if backlog.isOver, bodies.first?.starts(with: Self.intent) == true {
            throw .unavailable("a stream is further behind than it may be")
        }
        let receipt = try await recorder.append(bodies, keeping: answer)
        backlog.recorded(receipt.lastSequence)
        return receipt
    }

    private static let intent = Array(#""event":"intent""#.utf8)
}
