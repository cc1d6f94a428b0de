import Enforcement
import Glibc
import JSON

/// How far one stream has taken one log, on disk: what stands before it has arrived.
struct StreamCursor: Equatable {
    /// The log's first key. Another log under the same name begins anew.
    var origin: String
    /// Where reading goes on: at the first line of a call whose end has not been sent, so that it
    /// can be told as a whole.
    var place = RecordTail.Place()
    /// Lines with smaller numbers have arrived, as far as they are sent at all.
    var sent = 0

    static func file(_ directory: String, _ stream: Name, _ log: String) -> String {
        "\(directory)/\(stream.text).\(log).cursor"
    }

    /// nil where there is none, or none that can be read: then everything is sent again.
    static func read(_ file: String, origin: String) -> StreamCursor? {
        guard case .success(let bytes) = FileBytes.read(file, atMost: 4_096),
            let value = try? JSONParser.parse(bytes),
            value["log"]?.string?.isByteEqual(to: origin) == true,
            let segment = value["segment"]?.int, let offset = value["offset"]?.int,
            let sequence = value["sequence"]?.int, let sent = value["sent"]?.int,
            segment > 0, offset >= 0, sequence >= 0, sent >= sequence
        else { return nil }
        return StreamCursor(
            origin: origin,
            place: RecordTail.Place(segment: segment, offset: offset, sequence: sequence),
            sent: sent)
    }

    /// The first line that some stream does not have.
    static func firstUnsentLine(
        _ streams: [Name], state: String, log: String, directory: String
    ) throws(RecordError) -> Int {
        try all(streams, state: state, log: log, directory: directory).map { $0?.sent ?? 0 }.min()
            ?? .max
    }

    /// For each stream the first file of which it does not have all.
    static func firstUnsent(
        _ streams: [Name], state: String, log: String, directory: String
    ) throws(RecordError) -> [Int] {
        try all(streams, state: state, log: log, directory: directory).map {
            $0?.place.segment ?? 1
        }
    }

    /// nil for each that has nothing yet.
    private static func all(
        _ streams: [Name], state: String, log: String, directory: String
    ) throws(RecordError) -> [StreamCursor?] {
        guard !streams.isEmpty else { return [] }
        let origin = try AuditReader(directory: directory).identity()
        return streams.map { read(file("\(state)/streams", $0, log), origin: origin) }
    }

    var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("log", origin)
        writer.member("segment", place.segment)
        writer.member("offset", place.offset)
        writer.member("sequence", place.sequence)
        writer.member("sent", sent)
        writer.endObject()
        return writer.finish() + [0x0A]
    }
}

/// One process ships a log to a stream at a time. The system lets go of it with the process.
struct StreamLock: ~Copyable {
    private let descriptor: Int32

    /// nil while another process has it.
    init?(_ file: String) {
        descriptor = unsafe open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
    }

    deinit {
        // A child that is just being started may hold a copy of the descriptor, and the lock by it.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
