// What a server and the recorder say to each other: the length of a frame in four bytes, then one
// byte that says what it is. Numbers are big-endian. There is one frame under way at a time, and
// the server begins.

import Enforcement

/// A frame that is made.
struct FrameWriter {
    private(set) var bytes: [UInt8] = [0, 0, 0, 0]

    init(_ kind: RecorderFrame.Kind, reserving count: Int = 256) {
        bytes.reserveCapacity(count)
        bytes.append(kind.rawValue)
    }

    mutating func append(_ number: Int) {
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    mutating func append(short number: Int) {
        for shift in stride(from: 24, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    mutating func append(_ text: [UInt8]) {
        append(short: text.count)
        bytes.append(contentsOf: text)
    }

    /// With its length in front.
    consuming func finish() -> [UInt8] {
        let count = bytes.count - 4
        for index in 0..<4 { bytes[index] = UInt8(truncatingIfNeeded: count >> (24 - 8 * index)) }
        return bytes
    }
}

/// A frame that came. Whatever does not fit is nil.
struct FrameReader {
    let kind: RecorderFrame.Kind
    private let bytes: [UInt8]
    private var index = 1

    init?(_ bytes: [UInt8]) {
        guard let kind = bytes.first.flatMap({ RecorderFrame.Kind(rawValue: $0) }) else {
            return nil
        }
        self.kind = kind
        self.bytes = bytes
    }

    var isAtEnd: Bool { index == bytes.count }

    mutating func number() -> Int? { number(of: 8) }

    mutating func short() -> Int? { number(of: 4) }

    private mutating func number(of count: Int) -> Int? {
        guard bytes.count - index >= count else { return nil }
        var value: UInt64 = 0
        for byte in bytes[index..<index + count] { value = value << 8 | UInt64(byte) }
        index += count
        return Int(exactly: value)
    }

    mutating func text() -> [UInt8]? {
        guard let count = short(), bytes.count - index >= count else { return nil }
        defer { index += count }
        return Array(bytes[index..<index + count])
    }
}

enum RecorderFrame {
    enum Kind: UInt8 {
        /// Of the server: who it is, and which frame's receipt it lacks.
        case hello = 1
        /// Of the server: lines.
        case lines = 2
        /// Of the server: nothing of it comes any more.
        case goodbye = 3
        /// Of whoever asks how the recorder does: how far streams have the record. It stands alone.
        case look = 4
        /// Of the recorder: where the record ends, and whether it has that frame already.
        case welcome = 0x81
        /// Of the recorder: the lines of a frame are durable.
        case durable = 0x82
        /// Of the recorder: they are not, or may not be.
        case refused = 0x83
        /// Of the recorder: how it does.
        case report = 0x84
    }

    /// Of the lines of one frame with what is around them: more than may wait in one process.
    static let bytesMax = 9 << 20
    static let groupsMax = 1 << 16
    static let linesMax = 16

    struct Hello: Equatable {
        var run: String
        /// The number of the frame whose receipt it lacks; 0 where there is none.
        var frame: Int
        /// Before this line no frame stands whose receipt it lacks.
        var from: Int

        var bytes: [UInt8] {
            var writer = FrameWriter(.hello)
            writer.append(short: version)
            writer.append(Array(run.utf8))
            writer.append(frame)
            writer.append(from)
            return writer.finish()
        }

        init(run: String, frame: Int, from: Int) {
            self.run = run
            self.frame = frame
            self.from = from
        }

        init?(_ reader: FrameReader) {
            var reader = reader
            guard reader.kind == .hello, reader.short() == version, let run = reader.text(),
                Self.isRun(run), let frame = reader.number(), let from = reader.number(),
                reader.isAtEnd
            else { return nil }
            self.init(run: String(decoding: run, as: UTF8.self), frame: frame, from: from)
        }

        /// What may stand in front of the number of a call.
        private static func isRun(_ text: [UInt8]) -> Bool {
            (1...32).contains(text.count)
                && text.allSatisfy { byte in
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                }
        }
    }

    private static let version = 1

    static func lines(_ number: Int, _ groups: [[[UInt8]]]) -> [UInt8] {
        let count = groups.reduce(32) { $0 + $1.reduce(8) { $0 + $1.count + 8 } }
        var writer = FrameWriter(.lines, reserving: count)
        writer.append(number)
        writer.append(short: groups.count)
        for bodies in groups {
            writer.append(short: bodies.count)
            for body in bodies { writer.append(body) }
        }
        return writer.finish()
    }

    static func groups(_ reader: inout FrameReader) -> [[[UInt8]]]? {
        guard let count = reader.short(), (1...groupsMax).contains(count) else { return nil }
        var groups: [[[UInt8]]] = []
        for _ in 0..<count {
            guard let lines = reader.short(), (1...linesMax).contains(lines) else { return nil }
            var bodies: [[UInt8]] = []
            for _ in 0..<lines {
                guard let body = reader.text() else { return nil }
                bodies.append(body)
            }
            groups.append(bodies)
        }
        return reader.isAtEnd ? groups : nil
    }

    static func welcome(end: Int, hasFrame: Bool) -> [UInt8] {
        var writer = FrameWriter(.welcome)
        writer.append(end)
        writer.append(short: hasFrame ? 1 : 0)
        return writer.finish()
    }

    static func durable(_ receipts: [RecordReceipt]) -> [UInt8] {
        var writer = FrameWriter(.durable, reserving: 600 + 80 * receipts.count)
        writer.append(Array((receipts.last?.evidence?.checkpoint ?? "").utf8))
        for receipt in receipts {
            writer.append(receipt.firstSequence)
            writer.append(receipt.lastSequence)
            writer.append(Array((receipt.evidence?.leaf ?? "").utf8))
        }
        return writer.finish()
    }

    /// nil unless there is one for each group.
    static func receipts(
        _ reader: inout FrameReader, count: Int, givesEvidence: Bool
    ) -> [RecordReceipt]? {
        guard let checkpoint = reader.text() else { return nil }
        let note = String(decoding: checkpoint, as: UTF8.self)
        var receipts: [RecordReceipt] = []
        receipts.reserveCapacity(count)
        for _ in 0..<count {
            guard let first = reader.number(), let last = reader.number(), first <= last,
                let leaf = reader.text()
            else { return nil }
            guard givesEvidence else {
                receipts.append(RecordReceipt(lines: first...last))
                continue
            }
            let evidence = RecordEvidence(
                sequence: last, leaf: String(decoding: leaf, as: UTF8.self), checkpoint: note)
            receipts.append(RecordReceipt(lines: first...last, evidence: evidence))
        }
        return reader.isAtEnd ? receipts : nil
    }

    static func refused(_ error: RecordError) -> [UInt8] {
        var writer = FrameWriter(.refused)
        let isMalformed = if case .malformed = error { true } else { false }
        writer.append(short: isMalformed ? 1 : 0)
        writer.append(Array(error.description.utf8.prefix(512)))
        return writer.finish()
    }

    static func error(_ reader: inout FrameReader) -> RecordError? {
        guard let code = reader.short(), let text = reader.text(), reader.isAtEnd else {
            return nil
        }
        let reason = String(decoding: text, as: UTF8.self)
        return code == 1 ? .malformed(reason) : .unavailable(reason)
    }
}
