import JSON

/// Lines that came from another process, which may be in somebody else's hands.
///
/// The recorder numbers and times them itself. What they hold must be whole JSON, and must not say
/// again what only the recorder may say: a reader takes the last of two members of one name.
package enum ForeignLines {
    /// Of the recorder alone: with them, lines could be explained away.
    private static let ownEvents: [Name] = ["removed", "destroyed", "late"]
    private static let ownMembers: [Name] = ["seq", "at", frameMember]
    /// No answer comes with a line from elsewhere: one that speaks of an answer names a file that
    /// nobody wrote, and no verifier would ever accept the record again.
    private static let answerMembers: [Name] = ["body", "unkept"]
    private static let frameMember: Name = "frame"

    package static func check(_ body: [UInt8]) throws(RecordError) {
        guard case .object(let object)? = try? JSONParser.parse([0x7B] + body + [0x7D]) else {
            throw .malformed("not the members of an object")
        }
        for member in object.members where ownMembers.contains(Name(member.name)) {
            throw .malformed("only the recorder says when and where a line stands")
        }
        guard !object.members.contains(where: { answerMembers.contains(Name($0.name)) }) else {
            throw .malformed("no answer is kept here")
        }
        if let event = object["event"]?.string, ownEvents.contains(Name(event)) {
            throw .malformed("an event of the recorder")
        }
    }

    /// Stands in a frame's first line: by it the frame is found again whose receipt was lost.
    package static func mark(run: String, frame: Int) -> [UInt8] {
        Array(#","frame":"\#(run)#\#(frame)""#.utf8)
    }

    /// The outcome of a call that was given up is no second outcome.
    package static func late(_ body: [UInt8]) -> [UInt8] {
        lateStart + body.dropFirst(outcomeStart.count)
    }

    /// Whose outcome a line is; nil for other lines.
    package static func concluded(_ body: [UInt8]) -> [UInt8]? {
        guard body.starts(with: outcomeCall) else { return nil }
        return Array(body.dropFirst(outcomeCall.count).prefix { $0 != UInt8(ascii: "\"") })
    }

    package static func unknownOutcome(_ call: [UInt8]) -> [UInt8] {
        SegmentEvents.unknownOutcome(call)
    }

    private static let outcomeStart = Array(#""event":"outcome""#.utf8)
    private static let outcomeCall = Array(#""event":"outcome","call":""#.utf8)
    private static let lateStart = Array(#""event":"late""#.utf8)
}

extension AuditReader {
    /// Whether a frame is among the acknowledged lines from this number on.
    package func holds(frame mark: [UInt8], from sequence: Int) throws(RecordError) -> Bool {
        let ending = mark + [UInt8(ascii: "}")]
        guard let segment = try segment(of: sequence) else { return false }
        var tail = RecordTail(
            directory: directory,
            from: RecordTail.Place(segment: segment, sequence: sequence))
        var isFound = false
        try tail.read { batch in
            isFound = batch.contains { placed in
                placed.line.bytes.suffix(ending.count).elementsEqual(ending)
            }
            return !isFound
        }
        return isFound
    }
}
