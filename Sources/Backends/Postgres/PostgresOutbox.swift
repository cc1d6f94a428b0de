internal import Enforcement

/// What a connection has to send, and which statements its server keeps.
struct PostgresOutbox {
    private static let preparedMax = 256

    private var messages = PostgresMessages()
    private var sentBytes = 0
    private var prepared: [Int] = []
    /// The statement that the server is being asked to prepare.
    private var preparing: Int?

    var isEmpty: Bool { messages.isEmpty }
    /// Something waits, and nothing of it has left.
    var isWaiting: Bool { !messages.isEmpty && sentBytes == 0 }

    func holds(_ plan: PostgresPlan) -> Bool { prepared.contains(plan.number) }

    // MARK: Messages

    /// Begin, settings, statement, end: one write. Where rows of a change may be too many for its
    /// answer, or its transaction is noted first, the end waits. Says whether the end is with it.
    mutating func add(_ call: PostgresCall) -> Bool {
        let plan = call.plan
        messages.bind(call.effect == .read ? .beginReading : .beginWriting)
        messages.execute()
        messages.bind(.open, call.settings)
        messages.execute()
        if call.cluster != nil {
            messages.bind(.mark)
            messages.execute()
            // To be noted while the statement runs.
            messages.flush()
        }
        if !holds(plan) { prepare(plan) }
        messages.bind(.tool(plan.number), call.arguments)
        messages.execute(rowsMax: plan.columns.isEmpty ? 0 : call.bounds.rows + 1)
        let hasEnd = call.effect == .read || plan.columns.isEmpty && call.cluster == nil
        if hasEnd {
            messages.bind(call.effect == .read ? .rollback : .commit)
            messages.execute()
        }
        messages.sync()
        return hasEnd
    }

    mutating func addPreparation(_ plan: PostgresPlan) {
        prepare(plan)
        messages.sync()
    }

    mutating func addCommit() {
        messages.bind(.commit)
        messages.execute()
        messages.sync()
    }

    mutating func add(_ query: StaticString) { messages.query(query) }

    mutating func addSync() { messages.sync() }

    private mutating func prepare(_ plan: PostgresPlan) {
        if prepared.count >= Self.preparedMax { forget(prepared[0]) }
        preparing = plan.number
        messages.parse(.tool(plan.number), plan.text)
        messages.describe(.tool(plan.number))
    }

    mutating func forget(_ plan: PostgresPlan) { forget(plan.number) }

    private mutating func forget(_ statement: Int) {
        prepared.removeAll { $0 == statement }
        messages.close(.tool(statement))
    }

    // MARK: What becomes of them

    /// Also when nobody waits for it any more: its name is taken.
    mutating func wasPrepared() {
        guard let preparing else { return }
        prepared.append(preparing)
        self.preparing = nil
    }

    mutating func isReady() { preparing = nil }

    /// As much as the socket takes now. False where it is broken.
    mutating func flush(to socket: PostgresSocket) -> Bool {
        while sentBytes < messages.bytes.count {
            let outcome = unsafe messages.bytes.withUnsafeBytes { bytes in
                unsafe socket.write(UnsafeRawBufferPointer(rebasing: bytes[sentBytes...]))
            }
            switch outcome {
            case .done(let count): sentBytes += count
            case .wouldBlock: return true
            case .failed: return false
            }
        }
        sentBytes = 0
        messages.removeAll()
        return true
    }
}
