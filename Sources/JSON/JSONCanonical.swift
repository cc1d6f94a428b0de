extension JSONValue {
    /// One text for one meaning, whatever order the members came in: what is digested to say
    /// "exactly these arguments". Numbers keep their text, so `1` and `1.0` are two meanings.
    package var canonicalBytes: [UInt8] {
        var writer = JSONWriter()
        writer.canonical(self)
        return writer.finish()
    }
}

extension JSONWriter {
    fileprivate mutating func canonical(_ value: JSONValue) {
        switch value {
        case .array(let values):
            beginArray()
            for value in values { canonical(value) }
            endArray()
        case .object(let object):
            beginObject()
            for member in object.members.sorted(by: { Name($0.name) < Name($1.name) }) {
                name(member.name)
                canonical(member.value)
            }
            endObject()
        default: self.value(value)
        }
    }
}
