import JSON

/// A call's arguments as the record holds them, and which of them are not what they were.
///
/// The values of masked columns and fields are covered wherever a member bears their name: an
/// argument may be a whole record. All others are masked by value.
struct ArgumentsLine {
    private let original: JSONObject
    private let guarded: GuardedTool
    private var document: DocumentMask
    /// `argument.NAME` for each, or `argument` where the name itself was a value.
    private(set) var covered: [String] = []

    init(_ arguments: JSONObject, of guarded: GuardedTool) {
        original = arguments
        self.guarded = guarded
        document = guarded.recordMask
    }

    mutating func write(as name: String = "arguments", into writer: inout JSONWriter) {
        let masked = document.masked(.object(original))
        let isMasked = document.maskedCount > 0
        writer.name(name)
        writer.beginObject()
        // The mask keeps the members' number and order.
        for (member, before) in zip(masked.object?.members ?? [], original.members) {
            writer.name(member.name)
            let isLabelled = write(member.value, named: before.name, into: &writer)
            if isMasked, !member.name.isByteEqual(to: before.name) {
                covered.append("argument")
            } else if isLabelled || isMasked && member.value != before.value {
                covered.append("argument.\(member.name)")
            }
        }
        writer.endObject()
    }

    /// Whether a label stands in place of something.
    private func write(
        _ value: JSONValue, named name: String, into writer: inout JSONWriter
    ) -> Bool {
        guard let label = guarded.label(forArgument: name) else {
            return write(value, into: &writer)
        }
        writer.string("[\(label)]")
        return true
    }

    private func write(_ value: JSONValue, into writer: inout JSONWriter) -> Bool {
        var isLabelled = false
        switch value {
        case .object(let object):
            writer.beginObject()
            for member in object.members {
                writer.name(member.name)
                if write(member.value, named: member.name, into: &writer) { isLabelled = true }
            }
            writer.endObject()
        case .array(let values):
            writer.beginArray()
            for value in values where write(value, into: &writer) { isLabelled = true }
            writer.endArray()
        default: writer.value(value)
        }
        return isLabelled
    }
}
