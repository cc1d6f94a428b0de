import JSON

@testable import ToolServer

/// Any split of the bytes gives the same lines, and an answer is one line of JSON that holds the
/// request's id as it came.
func fuzzMessages(_ bytes: [UInt8]) {
    guard let seed = bytes.first else { return }
    let stream = Array(bytes.dropFirst())
    let whole = lines(of: [stream])
    let cut = stream.count * Int(seed) / 256
    hold(lines(of: [Array(stream[..<cut]), Array(stream[cut...])]) == whole, "lines of pieces")
    hold(lines(of: stream.map { [$0] }) == whole, "lines of single bytes")
    for case .whole(let line) in whole { answer(line) }
}

private func lines(of pieces: [[UInt8]]) -> [LineSplitter.Line] {
    var splitter = LineSplitter()
    var lines = pieces.flatMap { splitter.split($0) }
    if let last = splitter.end() { lines.append(.whole(last)) }
    return lines
}

private func answer(_ line: [UInt8]) {
    let document = try? JSONParser.parse(line)
    do throws(RPCError) {
        let message = try Message(line)
        hold(document != nil, "a message is JSON")
        guard case .request(let request) = message else { return }
        let result = Reply.result([JSONValue.object(request.params).bytes], to: request.id)[0]
        let reply = parsed(result)
        hold(reply["id"] == document?["id"], "the id of an answer")
        hold(reply["result"] == .object(request.params), "the result of an answer")
        hold(RequestID(reply["id"] ?? .null) == request.id, "the id of an answer, read again")
    } catch {
        let reply = parsed(Reply.error(error))
        hold(reply["error"]?["code"]?.int == error.code.rawValue, "the code of an error")
        guard let id = error.id else { return }
        hold(reply["id"] == id.json && document?["id"] == id.json, "the id of an error")
    }
}

private func parsed(_ reply: [UInt8]) -> JSONValue {
    hold(!reply.contains(0x0A) && !reply.contains(0x0D), "an answer is one line")
    guard let value = try? JSONParser.parse(reply, limits: JSONLimits(depth: 70)) else {
        hold(false, "an answer is JSON")
        return .null
    }
    return value
}
