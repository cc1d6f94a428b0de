import Enforcement
import EventLoop
import JSON

/// The stateless era repeats method and name in headers, for proxies that route without reading
/// bodies. What a proxy decided on must be what we run, so each must be there, once, and equal.
enum StatelessHeaders {
    /// Who reads the first copy and who reads the last would not agree.
    static func refuseDuplicates(in headers: HTTPHeaders, id: RequestID) throws(RPCError) {
        for header in ["MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"]
        where headers.values(header.lowercased()).count > 1 {
            throw RPCError(.headerMismatch, "Header mismatch: \(header) stands twice", id: id)
        }
    }

    static func check(_ headers: HTTPHeaders, against request: Request) throws(RPCError) {
        if let version = Envelope.version(of: request)?.string {
            try demand("MCP-Protocol-Version", version, in: headers, id: request.id)
        }
        try demand("Mcp-Method", request.method, in: headers, id: request.id)
        switch request.method {
        case "tools/call", "prompts/get":
            try demandName(request.params["name"]?.string, in: headers, id: request.id)
        case "resources/read":
            try demandName(request.params["uri"]?.string, in: headers, id: request.id)
        default:
            guard TasksMethod(rawValue: request.method) != nil else { return }
            try demandName(request.params["taskId"]?.string, in: headers, id: request.id)
        }
    }

    private static func demandName(
        _ name: String?, in headers: HTTPHeaders, id: RequestID
    ) throws(RPCError) {
        guard let name else { return }
        try demand("Mcp-Name", name, in: headers, id: id, decode: decoded)
    }

    private static func demand(
        _ header: String, _ wanted: String, in headers: HTTPHeaders, id: RequestID,
        decode: (String) -> String? = { $0 }
    ) throws(RPCError) {
        let values = headers.values(header.lowercased())
        guard values.count == 1, isPlain(headers.bytes(header.lowercased())),
            let value = decode(values[0]), value.isByteEqual(to: wanted)
        else {
            let fault =
                values.isEmpty
                ? "is missing" : values.count > 1 ? "stands twice" : "differs from the body"
            throw RPCError(.headerMismatch, "Header mismatch: \(header) \(fault)", id: id)
        }
    }

    /// Other bytes have no one meaning in a header; `=?base64?…?=` is there for them.
    private static func isPlain(_ bytes: ArraySlice<UInt8>?) -> Bool {
        bytes?.allSatisfy { (0x20...0x7E).contains($0) } == true
    }

    /// `=?base64?…?=` carries what a header cannot; decoded strictly, or the header is wrong.
    private static func decoded(_ value: String) -> String? {
        let prefix = "=?base64?"
        let suffix = "?="
        guard value.utf8.starts(with: prefix.utf8), value.utf8.count > prefix.utf8.count + 1,
            value.utf8.suffix(2).elementsEqual(suffix.utf8)
        else { return value }
        let inner = String(Substring(value.utf8.dropFirst(prefix.utf8.count).dropLast(2)))
        return Base64.decode(inner).flatMap { String(validating: $0, as: UTF8.self) }
    }
}
