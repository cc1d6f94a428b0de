import JSON

/// Makes the bytes of JSON-RPC answers; the only place that does.
enum Reply {
    /// Written around what is there, which may be large: then it is in pieces, and so is this.
    static func result(_ result: consuming [[UInt8]], to id: RequestID) -> [[UInt8]] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("jsonrpc", "2.0")
        writer.member("id", id.json)
        writer.name("result")
        var reply = consume result
        if reply.count == 1 {
            reply[0].insert(contentsOf: writer.finish(), at: 0)
        } else {
            reply.insert(writer.finish(), at: 0)
        }
        reply[reply.count - 1].append(UInt8(ascii: "}"))
        return reply
    }

    static func error(_ error: RPCError, to id: RequestID? = nil) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("jsonrpc", "2.0")
        // An id that could not be read is left out: the schemas of the protocol know no null.
        if let id = error.id ?? id { writer.member("id", id.json) }
        writer.name("error")
        writer.raw(errorObject(error))
        writer.endObject()
        return writer.finish()
    }

    /// What stands at `error`.
    static func errorObject(_ error: RPCError) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("code", error.code.rawValue)
        writer.member("message", error.message)
        if let data = error.data { writer.member("data", data) }
        writer.endObject()
        return writer.finish()
    }

    static func notification(_ method: String, params: JSONValue? = nil) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("jsonrpc", "2.0")
        writer.member("method", method)
        if let params { writer.member("params", params) }
        writer.endObject()
        return writer.finish()
    }
}
