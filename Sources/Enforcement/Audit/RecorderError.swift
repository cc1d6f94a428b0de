package enum RecordError: Error, Sendable {
    /// Nothing can be recorded now, so nothing may be done. Holds the failed operation and errno.
    case unavailable(String)
    /// More waits to be written than the queue may hold.
    case overloaded
    /// The caller's line breaks the form: our own bug.
    case malformed(String)
    /// The files are not what the recorder wrote. `line` counts from 1; 0 for the whole file.
    case damaged(file: String, line: Int, reason: String)
    /// Another process owns the directory.
    case locked(String)
    case closed
}

extension RecordError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unavailable(let reason): "the record cannot be written: \(reason)"
        case .overloaded: "the record cannot keep up"
        case .malformed(let reason): "not a line of the record: \(reason)"
        case .damaged(let file, 0, let reason): "\(file): \(reason)"
        case .damaged(let file, let line, let reason): "\(file):\(line): \(reason)"
        case .locked(let file): "`\(file)` is locked by another process"
        case .closed: "the record is closed"
        }
    }
}

extension RecordError {
    /// What `unavailable` says, without the words that its description begins with.
    package var reason: String {
        if case .unavailable(let reason) = self { reason } else { description }
    }
}

package struct RecordReceipt: Sendable {
    package let firstSequence: Int
    package let lastSequence: Int
    /// Nil where nobody wants it.
    package let evidence: RecordEvidence?

    init(firstSequence: Int, lastSequence: Int, evidence: RecordEvidence? = nil) {
        self.firstSequence = firstSequence
        self.lastSequence = lastSequence
        self.evidence = evidence
    }
}

/// By what a caller can prove later that their call was recorded, and how: the last of its lines.
package final class RecordEvidence: Sendable {
    package let sequence: Int
    /// Of the line, base64: SHA-256 over a zero byte and its bytes.
    package let leaf: String
    /// The first checkpoint that covers it, a C2SP signed note.
    package let checkpoint: String

    package init(sequence: Int, leaf: String, checkpoint: String) {
        self.sequence = sequence
        self.leaf = leaf
        self.checkpoint = checkpoint
    }
}

package struct RecorderLimits: Sendable {
    /// Waiting and not yet written; beyond it `append` throws `overloaded` at once.
    package var queuedBytes: Int
    /// A segment that has reached this is followed by a new one.
    package var segmentBytes: Int
    /// And one that holds lines from so many seconds ago; nil: whatever its age.
    package var segmentSeconds: Int?
    /// After this, waiters are refused although their lines may still become durable.
    package var deadline: Duration
    /// Between attempts to go on in a new segment after a failure.
    package var retry: Duration

    package init(
        queuedBytes: Int = 8 << 20, segmentBytes: Int = 64 << 20, segmentSeconds: Int? = nil,
        deadline: Duration = .seconds(2), retry: Duration = .seconds(1)
    ) {
        self.queuedBytes = queuedBytes
        self.segmentBytes = segmentBytes
        self.segmentSeconds = segmentSeconds
        self.deadline = deadline
        self.retry = retry
    }
}
