import Enforcement
import JSON

/// An answer that is no document, as the protocol carries it.
enum ContentBlock {
    static func json(_ content: ResultContent) -> JSONValue {
        switch content {
        case .text(let text): ["type": "text", "text": .string(text)]
        case .binary(let bytes, let mediaType): binary(bytes, mediaType)
        case .document(let document): ["type": "text", "text": .string(document.text)]
        case .rows: preconditionFailure("rows are a document")
        }
    }

    private static func binary(_ bytes: [UInt8], _ mediaType: String) -> JSONValue {
        let data = JSONValue.string(Base64.encode(bytes))
        for kind in ["image", "audio"] where mediaType.utf8.starts(with: (kind + "/").utf8) {
            return ["type": .string(kind), "data": data, "mimeType": .string(mediaType)]
        }
        // The name stands for this answer alone; nobody can ask for it.
        return [
            "type": "resource",
            "resource": [
                "uri": "toolserver:answer", "mimeType": .string(mediaType), "blob": data,
            ],
        ]
    }
}
