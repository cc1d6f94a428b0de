/// The response that is complete when it is given to the connection.
extension HTTPConnection {
    func respond(_ response: HTTPResponse, isHead: Bool) {
        guard phase == .handling else { return }
        if shard.isDraining { closesAfterFlush = true }
        let hasNoBody = response.status == 204 || response.status == 304 || response.status < 200
        let isValid = shard.writer.makeHead(
            status: response.status, headers: response.headers,
            framing: .length(hasNoBody ? nil : response.bodyBytes), closes: closesAfterFlush)
        guard isValid, response.status >= 200 else {
            refuse(500, "the answer could not be sent")
            return
        }
        if hasNoBody || isHead {
            write(shard.writer.bytes)
        } else if response.rest.isEmpty, response.body.count <= 16 << 10 {
            // One copy of a small body is cheaper than a second buffer in the kernel's list.
            shard.writer.append(body: response.body)
            write(shard.writer.bytes)
        } else {
            write(shard.writer.bytes, response.body, response.rest)
        }
        finishResponse()
    }

    /// Answers what no handler has seen. The connection ends: nobody knows where the next request
    /// would begin.
    func refuse(
        _ status: Int, _ text: String, _ headers: [(name: String, value: String)] = []
    ) {
        closesAfterFlush = true
        _ = shard.writer.makeHead(
            status: status, headers: [("content-type", "text/plain; charset=utf-8")] + headers,
            framing: .length(text.utf8.count + 1), closes: true)
        shard.writer.append(body: Array(text.utf8) + [HTTPBytes.lineFeed])
        write(shard.writer.bytes)
        finishResponse()
    }
}
