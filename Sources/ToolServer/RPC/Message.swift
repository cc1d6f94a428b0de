import JSON

/// One JSON-RPC 2.0 message from a client.
enum Message: Sendable {
    case request(Request)
    case notification(method: String, params: JSONObject)
    /// An answer to something that we asked.
    case response(Response)
}

struct Response: Sendable {
    /// nil for one that nothing of ours had.
    let id: RequestID?
    /// nil for an error.
    let result: JSONValue?
}

struct Request: Sendable {
    let id: RequestID
    let method: String
    let params: JSONObject

    var meta: JSONObject? { params["_meta"]?.object }
}

/// A client's request id, echoed with the same type and text.
enum RequestID: Hashable, Sendable {
    case string(Name)
    /// The integer's text: `1` never comes back as `"1"` or `1.0`.
    case integer(Name)

    init?(_ value: JSONValue) {
        switch value {
        case .string(let text): self = .string(Name(text))
        case .number(let number) where number.int != nil: self = .integer(Name(number.text))
        default: return nil
        }
    }

    var json: JSONValue {
        switch self {
        case .string(let name): .string(name.text)
        case .integer(let name): .number(JSONNumber(validated: name.text))
        }
    }
}

extension Message {
    init(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(RPCError) {
        let document: JSONValue
        do throws(JSONError) { document = try JSONParser.parse(bytes, limits: limits) } catch {
            throw RPCError(.parse, "Not valid JSON at byte \(error.offset): \(error.message)")
        }
        try self.init(document)
    }

    init(_ document: JSONValue) throws(RPCError) {
        guard case .object(let object) = document else {
            throw RPCError(
                .invalidRequest,
                "A message is one JSON object. Batches are not served: send one message at a time.")
        }
        let id = object["id"].flatMap { RequestID($0) }
        guard object["jsonrpc"]?.string?.isByteEqual(to: "2.0") == true else {
            throw RPCError(.invalidRequest, "`jsonrpc` must be \"2.0\".", id: id)
        }
        guard let named = object["method"] else {
            guard object["result"] != nil || object["error"] != nil else {
                throw RPCError(.invalidRequest, "`method` is missing.", id: id)
            }
            let result = object["error"] == nil ? object["result"] : nil
            self = .response(Response(id: id, result: result))
            return
        }
        guard let method = named.string else {
            throw RPCError(.invalidRequest, "`method` must be a string.", id: id)
        }
        guard object["id"] != nil else {
            do throws(RPCError) {
                self = .notification(method: method, params: try Self.params(of: object, id: nil))
            } catch {
                var error = error
                error.isOfNotification = true
                throw error
            }
            return
        }
        let params = try Self.params(of: object, id: id)
        guard let id else {
            throw RPCError(.invalidRequest, "`id` must be a string or an integer.")
        }
        self = .request(Request(id: id, method: method, params: params))
    }

    private static func params(of object: JSONObject, id: RequestID?) throws(RPCError) -> JSONObject
    {
        guard let value = object["params"] else { return JSONObject() }
        guard case .object(let params) = value else {
            throw RPCError(.invalidParams, "`params` must be an object.", id: id)
        }
        if let meta = params["_meta"], meta.object == nil {
            throw RPCError(.invalidParams, "`params._meta` must be an object.", id: id)
        }
        return params
    }
}
