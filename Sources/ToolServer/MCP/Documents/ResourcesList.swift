// What is there to read about the tools, besides their list?
//
//     toolserver://tools/NAME      the documentation of a tool
//     toolserver://data/BACKEND    the data dictionary of a backend
//
// Both follow from the caller's own tools: whoever may not use a tool learns nothing of it here,
// and what is another's answers as what is not there.

import Enforcement
import JSON

/// `resources/list` and `resources/templates/list`.
enum ResourcesList {
    /// What a list says of a resource, or of a template of them.
    private struct Entry {
        let uri: String
        let name: Name
        let title: String
        let description: String
        /// nil where they differ.
        let mediaType: String?
    }

    static func answer(
        _ request: Request, from peer: Peer, in serving: Serving
    ) throws(RPCError) -> [UInt8] {
        let cursor = try ListCursor.read(request)
        let page = ListPage(of: entries(for: peer, in: serving), after: cursor) {
            Name($0.uri)
        }
        var writer = JSONWriter(reserving: 4096)
        writer.beginObject()
        writer.name("resources")
        writer.beginArray()
        for entry in page.entries { write(entry, "uri", for: peer.version, into: &writer) }
        writer.endArray()
        if let next = page.nextCursor { writer.member("nextCursor", next) }
        serving.description.close(
            &writer, for: peer.version, keptFor: ServerDescription.ttlMs)
        return writer.finish()
    }

    /// The same for everybody: which of them there are is in the list.
    static func templates(for peer: Peer, in serving: Serving) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("resourceTemplates")
        writer.beginArray()
        for entry in templates { write(entry, "uriTemplate", for: peer.version, into: &writer) }
        writer.endArray()
        serving.description.close(
            &writer, for: peer.version, keptFor: ServerDescription.ttlMs)
        return writer.finish()
    }

    private static let templates = [
        Entry(
            uri: DocumentURI.toolTemplate, name: "tool", title: "Documentation of a tool",
            description: "What a tool takes, answers and may be refused for.",
            mediaType: MarkdownText.mediaType),
        Entry(
            uri: DocumentURI.dataTemplate, name: "data", title: "Data dictionary of a backend",
            description: "Which data your tools show of a backend.", mediaType: nil),
    ]

    /// By URI: backends, then tools.
    private static func entries(for peer: Peer, in serving: Serving) -> [Entry] {
        let tools = serving.gate.visibleTools(to: peer.caller, via: peer.via)
        let backends = DataDictionary.all(of: tools).map { dictionary in
            Entry(
                uri: DocumentURI.data(backend: dictionary.backend).text, name: dictionary.backend,
                title: "Data of \(dictionary.backend)",
                description: dictionary.summary, mediaType: dictionary.mediaType)
        }
        return backends
            + tools.map(\.tool).map { tool in
                Entry(
                    uri: DocumentURI.tool(tool.name).text, name: tool.name, title: tool.title,
                    description: "Documentation of the tool `\(tool.name)`.",
                    mediaType: MarkdownText.mediaType)
            }
    }

    private static func write(
        _ entry: Entry, _ key: String, for version: ProtocolVersion,
        into writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.member(key, entry.uri)
        writer.member("name", entry.name.text)
        if version.hasTitles { writer.member("title", entry.title) }
        writer.member("description", entry.description)
        if let mediaType = entry.mediaType { writer.member("mimeType", mediaType) }
        writer.endObject()
    }
}
