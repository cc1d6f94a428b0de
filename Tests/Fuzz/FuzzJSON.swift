import JSON

/// What is accepted survives writing; what is refused has a place within the text; the dialect of
/// manifests reads every strict document alike.
func fuzzJSON(_ bytes: [UInt8]) {
    let value: JSONValue
    do throws(JSONError) { value = try JSONParser.parse(bytes) } catch {
        hold((0...bytes.count).contains(error.offset), "the place \(error.offset) of an error")
        let located = try? JSONParser.parseManifest(bytes)
        if let located { survives(located.plain()) }
        return
    }
    survives(value)
    let slice = ([0x5B] + bytes + [0x5D])[1...bytes.count]
    hold((try? JSONParser.parse(slice)) == value, "a slice reads as the whole")
    hold((try? JSONParser.parseManifest(bytes))?.plain() == value, "a manifest reads alike")
}

private func survives(_ value: JSONValue) {
    let written = value.bytes
    guard let again = try? JSONParser.parse(written) else {
        return hold(false, "what was written is JSON")
    }
    hold(again == value, "what was written is the same value")
    hold(again.bytes == written, "what was written is written the same again")
}
