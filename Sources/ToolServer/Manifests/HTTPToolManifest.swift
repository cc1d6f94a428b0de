import Backends
import Enforcement
import JSON

/// Reads `http`, `result` and `outputSchema` of a tool.
struct HTTPToolManifest {
    static let keys = KeySet(
        required: ["method"],
        optional: ["path", "url", "query", "headers", "body", "form", "idempotencyKey"])
    static let resultKeys = KeySet(
        required: [], optional: ["as", "pick", "errors"])
    static let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]

    /// Fields that decide where a message ends and what may be answered: ours to set.
    static let framingHeaders: Set<Name> = [
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer",
        "upgrade", "expect", "accept-encoding", "proxy-connection",
    ]
    /// Those, and what says who sends it.
    static let ownHeaders = framingHeaders.union([
        "authorization", "proxy-authorization", "cookie", "idempotency-key", "user-agent",
    ])

    static func read(_ tool: ObjectReader) -> HTTPOperation? {
        guard let node = tool["http"], let object = node.object(keys),
            let method = object["method"]?.choice(among: methods)
        else { return nil }
        let target = target(of: object)
        let query = object["query"].map { $0.namedTemplates() } ?? []
        let headers = object["headers"].map { headerTemplates($0) } ?? []
        let body = body(of: object, method: method)
        let isKeyed = object["idempotencyKey"].map { $0.bool() } ?? false
        let result = result(of: tool)
        guard let target, let query, let headers, let body, let isKeyed, let result else {
            return nil
        }
        return HTTPOperation(
            method: method, target: target.target, query: target.query + query, headers: headers,
            body: body, isKeyed: isKeyed, result: result)
    }

    private static func target(
        of object: ObjectReader
    ) -> (target: HTTPOperation.Target, query: [NamedTemplate])? {
        switch (object["path"], object["url"]) {
        case (let path?, nil):
            return path.pathTemplate().map { (.path($0.path), $0.query) }
        case (nil, let url?):
            if let text = url.string(), text.hasPrefix("{"), !text.contains("/") {
                guard let name = url.textTemplate()?.single else {
                    url.report("must be one placeholder, or begin with https:// or http://")
                    return nil
                }
                return (.given(name), [])
            }
            return url.urlTemplate().map {
                (
                    .url(isSecure: $0.isSecure, host: $0.host, port: $0.port, $0.path), $0.query
                )
            }
        default:
            object.node.report("must have either `path` or `url`")
            return nil
        }
    }

    private static func headerTemplates(_ node: Node) -> [NamedTemplate]? {
        guard let templates = node.namedTemplates(), let members = node.members() else {
            return nil
        }
        for member in members {
            let name = member.name.lowercased()
            let isToken =
                !name.isEmpty && name.utf8.allSatisfy { isWordByte($0) && $0 != UInt8(ascii: "_") }
            if !isToken {
                member.node.findings.problem(
                    "must be letters, digits and `-`", at: member.namePlace)
            } else if ownHeaders.contains(Name(name)) {
                member.node.findings.problem(
                    "is set by the server itself; credentials belong under `auth` of the backend",
                    at: member.namePlace)
            }
            guard case .string(let text) = member.node.value.content else { continue }
            if !text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) || text.isEmpty {
                member.node.report("must be visible ASCII")
            }
        }
        return templates
    }

    private static func body(of object: ObjectReader, method: String) -> HTTPOperation.Body? {
        let given = object["body"] ?? object["form"]
        if let given, method == "GET" {
            given.report("a \(method) request has no body")
            return nil
        }
        switch (object["body"], object["form"]) {
        case (nil, nil): return HTTPOperation.Body.none
        case (let body?, nil): return body.jsonTemplate().map { .json($0) }
        case (nil, let form?): return form.namedTemplates().map { .form($0) }
        case (let body?, _?):
            body.report("stands beside `form`; declare one of them")
            return nil
        }
    }

    private static func result(of tool: ObjectReader) -> HTTPOperation.ResultForm? {
        var form = HTTPOperation.ResultForm()
        if let node = tool["result"] {
            guard let object = node.object(resultKeys) else { return nil }
            if let kind = object["as"] {
                let words = HTTPOperation.ResultForm.Kind.allCases.map(\.rawValue)
                guard let word = kind.choice(among: words),
                    let kind = HTTPOperation.ResultForm.Kind(rawValue: word)
                else { return nil }
                form.kind = kind
            }
            if let errors = object["errors"] {
                guard let word = errors.choice(among: ["code", "text"]) else { return nil }
                form.tellsErrorText = word.isByteEqual(to: "text")
            }
            if let picks = object["pick"] {
                guard let members = picks.members() else { return nil }
                form.picks = members.compactMap { member in
                    member.node.documentPath().map { (name: member.name, path: $0) }
                }
                if members.isEmpty { picks.report("must not be empty") }
                guard form.picks.count == members.count else { return nil }
                if form.kind != .json { picks.report("needs an answer in JSON") }
            }
        }
        if let schema = tool["outputSchema"] {
            guard case .object(let object) = schema.value.plain(),
                object["type"]?.string?.isByteEqual(to: "object") == true
            else {
                schema.report("must be an object with \"type\": \"object\"")
                return nil
            }
            guard let check = schema.schema(.object(object)) else { return nil }
            if form.kind != .json { schema.report("needs an answer in JSON") }
            form.schema = .object(object)
            form.check = check
        }
        return form
    }
}
