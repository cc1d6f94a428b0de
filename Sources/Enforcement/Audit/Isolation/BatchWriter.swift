/// What makes a batch durable: this process's disk, or the recorder of its own beyond a socket.
/// Belongs to one thread at a time, which may wait in it.
package protocol BatchWriter: AnyObject {
    /// Where it writes, in the words for those who wait.
    var place: String { get }
    /// One receipt for each; durable when it returns. After a failure only `restart` is called.
    func commit(_ batch: [WaitingLines]) -> Result<[RecordReceipt], RecordError>
    /// One attempt to go on after a failure.
    func restart() -> Result<Void, RecordError>
    func close() throws(RecordError)
}

/// One caller's lines and the caller, who is told once: by whoever takes it out of the queue.
@safe package struct WaitingLines: Sendable {
    package let bodies: [[UInt8]]
    /// What is kept with the last of them.
    let answer: AnswerBody?
    let bytes: Int
    let since: UInt64
    private let continuation: RecordContinuation?
    private let place: JointWait.Place?

    typealias RecordContinuation = UnsafeContinuation<Result<RecordReceipt, RecordError>, Never>

    init(
        bodies: [[UInt8]], keeping answer: AnswerBody?, bytes: Int,
        _ continuation: RecordContinuation
    ) {
        self.bodies = bodies
        self.answer = answer
        self.bytes = bytes
        since = RecorderBell.now()
        unsafe self.continuation = unsafe continuation
        place = nil
    }

    init(bodies: [[UInt8]], bytes: Int, _ place: JointWait.Place) {
        self.bodies = bodies
        answer = nil
        self.bytes = bytes
        since = RecorderBell.now()
        unsafe continuation = nil
        self.place = place
    }

    /// The last one tells where its answer is.
    func bodies(with note: BodyNote) -> [[UInt8]] {
        bodies.dropLast() + bodies.suffix(1).map { $0 + note.member }
    }

    func tell(_ result: Result<RecordReceipt, RecordError>) {
        unsafe continuation?.resume(returning: result)
        if let place { place.wait.tell(place.index, result) }
    }
}

/// A thread that waits for several groups of lines at once.
// Sendable: everything is only touched inside `bell.withLock`.
final class JointWait: @unchecked Sendable {
    struct Place: Sendable {
        let wait: JointWait
        let index: Int
    }

    private let bell = RecorderBell()
    private var receipts: [RecordReceipt?]
    private var error: RecordError?
    private var left: Int

    init(count: Int) {
        receipts = Array(repeating: nil, count: count)
        left = count
    }

    func tell(_ index: Int, _ result: Result<RecordReceipt, RecordError>) {
        bell.withLock {
            switch result {
            case .success(let receipt): receipts[index] = receipt
            case .failure(let failure): error = failure
            }
            left -= 1
            if left == 0 { bell.ring(.closer) }
        }
    }

    /// Bounded by the recorder's deadline, as every wait for it is.
    func result() -> Result<[RecordReceipt], RecordError> {
        bell.withLock {
            while left > 0 { bell.wait(.closer) }
            if let error { return .failure(error) }
            return .success(receipts.compactMap { $0 })
        }
    }
}
