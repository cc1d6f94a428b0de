import Enforcement
import JSON
import Synchronization

/// What is sent together. It may be empty: then only the cursor moves.
struct StreamBatch: Sendable {
    struct Item: Sendable {
        let bytes: [UInt8]
        /// Of the line that made it.
        let at: String
        let event: String
        let isRefused: Bool
    }

    let log: String
    var items: [Item] = []
    /// Once all of it has arrived.
    var cursor: StreamCursor

    /// The same for the same lines.
    var name: String { "\(cursor.origin)#\(cursor.sent)" }

    /// One line an item, each with its end.
    var lines: [UInt8] { items.flatMap { $0.bytes + [0x0A] } }
}

/// One log as one stream reads it: in order, from its cursor on, in bounded pieces.
///
/// It reads files, so it is called on threads that may wait.
final class StreamFeed: Sendable {
    private struct State: ~Copyable {
        let lock: StreamLock
        /// What has arrived.
        var cursor: StreamCursor
        var tail: RecordTail
        var joiner = EntryJoiner()
        /// Up to here it has been handed out.
        var sent: Int
        /// Where batches began, for the cursor of a later start.
        var marks: [RecordTail.Place] = []
    }

    let log: String
    private let directory: String
    private let file: String
    private let format: StreamSettings.Format
    private let state: Mutex<State>
    private static let marksMax = 1_024

    /// nil while another process ships it.
    init?(
        _ settings: StreamSettings, log: String, record: String, cursors: String
    ) throws(RecordError) {
        self.log = log
        directory = record
        format = settings.format
        file = StreamCursor.file(cursors, settings.name, log)
        guard let lock = StreamLock(file + ".lock") else { return nil }
        let origin = try AuditReader(directory: record).identity()
        let cursor = StreamCursor.read(file, origin: origin) ?? StreamCursor(origin: origin)
        state = Mutex(
            State(
                lock: lock, cursor: cursor,
                tail: RecordTail(directory: record, from: cursor.place), sent: cursor.sent))
    }

    /// Lines before it have arrived.
    var arrived: Int { state.withLock { $0.cursor.sent } }

    /// The next lines, until they are about so many bytes; nil when there are none.
    func next(bytesMax: Int) throws(RecordError) -> StreamBatch? {
        try state.withLock { (state) throws(RecordError) in
            try Self.next(&state, log: log, format: format, bytesMax: bytesMax)
        }
    }

    /// What was handed out has not arrived.
    func rewind() {
        state.withLock { state in
            state.tail = RecordTail(directory: directory, from: state.cursor.place)
            state.joiner = EntryJoiner()
            state.sent = state.cursor.sent
            state.marks.removeAll()
        }
    }

    /// All up to this has arrived. False where the disk does not take it: then it is sent again
    /// after a restart.
    func arrived(_ cursor: StreamCursor) -> Bool {
        state.withLock { $0.cursor = cursor }
        if case .success = FileBytes.replace(file, with: cursor.bytes) { return true }
        return false
    }

    private static func next(
        _ state: inout State, log: String, format: StreamSettings.Format, bytesMax: Int
    ) throws(RecordError) -> StreamBatch? {
        var batch = StreamBatch(log: log, cursor: state.cursor)
        var bytes = 0
        var lines = 0
        var tail = state.tail
        let begin = tail.place
        let sent = state.sent
        var joiner = state.joiner
        let origin = state.cursor.origin
        try tail.read { group in
            for placed in group {
                lines += 1
                for item in items(of: placed.line, &joiner, format, log: log, origin: origin)
                where placed.line.sequence >= sent {
                    bytes += item.bytes.count
                    batch.items.append(item)
                }
            }
            return bytes < bytesMax && lines < 10_000
        }
        guard lines > 0 else { return nil }
        state.tail = tail
        state.joiner = joiner
        state.sent = max(sent, tail.place.sequence)
        note(begin, in: &state)
        batch.cursor.sent = state.sent
        batch.cursor.place = resumption(&state)
        return batch
    }

    private static func items(
        of line: AuditReader.Line, _ joiner: inout EntryJoiner, _ format: StreamSettings.Format,
        log: String, origin: String
    ) -> [StreamBatch.Item] {
        guard let read = RecordedLine(line) else { return [] }
        switch format {
        case .native:
            let head = #"{"id":"\#(origin)#\#(line.sequence)","log":"\#(log)","line":"#
            return [item(Array(head.utf8) + line.bytes + [UInt8(ascii: "}")], read)]
        case .ocsf:
            guard !read.isUpkeep else { return [] }
            return joiner.take(read).map { entry in
                item(OCSFEvent.bytes(of: entry, log: log, origin: origin), read)
            }
        }
    }

    private static func item(_ bytes: [UInt8], _ line: RecordedLine) -> StreamBatch.Item {
        let isRefused = line.text("decision") == "deny" || line.event.isByteEqual(to: "stranger")
        return StreamBatch.Item(bytes: bytes, at: line.at, event: line.event, isRefused: isRefused)
    }

    private static func note(_ place: RecordTail.Place, in state: inout State) {
        state.marks.append(place)
        guard state.marks.count > marksMax else { return }
        // Coarser, and never behind what is still open.
        state.marks = state.marks.indices.filter { $0 % 2 == 0 }.map { state.marks[$0] }
    }

    /// The last place noted that is not behind the first line of an open call.
    private static func resumption(_ state: inout State) -> RecordTail.Place {
        guard let open = state.joiner.firstOpen else {
            state.marks.removeAll()
            return state.tail.place
        }
        let kept = state.marks.lastIndex { $0.sequence <= open } ?? 0
        state.marks.removeFirst(kept)
        return state.marks.first ?? state.tail.place
    }
}
