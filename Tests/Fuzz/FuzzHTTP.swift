@testable import EventLoop

/// Any split of the bytes reads the same, and a request that is written as it was understood is
/// understood the same.
func fuzzHTTP(_ bytes: [UInt8]) {
    guard let seed = bytes.first else { return }
    let stream = Array(bytes.dropFirst())
    let whole = Reading(stream, pieces: [stream.count])
    var pieces: [Int] = []
    var state = UInt64(seed) + 1
    var left = stream.count
    while left > 0 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        pieces.append(min(left, Int(state >> 33 % 17) + 1))
        left -= pieces[pieces.count - 1]
    }
    hold(Reading(stream, pieces: pieces) == whole, "what pieces read")
    hold(
        Reading(stream, pieces: [Int](repeating: 1, count: stream.count)) == whole,
        "what single bytes read")
    for request in whole.requests { writtenReadsTheSame(request) }
}

private func writtenReadsTheSame(_ request: ReadRequest) {
    guard request.headers.contains(where: { $0.name == "host" }) else { return }
    var text =
        "\(request.method) \(request.path)\(request.query.map { "?\($0)" } ?? "") HTTP/1.1\r\n"
    let framing = ["transfer-encoding", "content-length"]
    let kept = request.headers.filter { !framing.contains($0.name) }
    for (name, value) in kept { text += "\(name): \(value)\r\n" }
    text += "content-length: \(request.body.count)\r\n\r\n"
    // A byte that is no UTF-8 is written as three.
    let again = Reading(
        Array(text.utf8) + request.body, pieces: [text.utf8.count, .max], limits: HTTPLimits())
    guard again.refusal == nil, again.requests.count == 1, let other = again.requests.first else {
        return hold(false, "what was written is one request")
    }
    hold(
        other.method == request.method && other.path == request.path
            && other.query == request.query && other.body == request.body,
        "what was written is the same request")
    let rest = other.headers.filter { !framing.contains($0.name) }
    hold(
        rest.map { "\($0.name)=\($0.value)" } == kept.map { "\($0.name)=\($0.value)" },
        "what was written has the same fields")
}

private struct ReadRequest: Equatable {
    let method: String
    let path: String
    let query: String?
    let headers: [(name: String, value: String)]
    let body: [UInt8]
    let closes: Bool

    static func == (left: ReadRequest, right: ReadRequest) -> Bool {
        left.method == right.method && left.path == right.path && left.query == right.query
            && left.body == right.body && left.closes == right.closes
            && left.headers.elementsEqual(right.headers, by: ==)
    }
}

private struct Reading: Equatable {
    var requests: [ReadRequest] = []
    var refusal: HTTPParseError?
    var isIdle = true

    /// Small enough to be met.
    static let limits = {
        var limits = HTTPLimits()
        limits.requestLineBytes = 200
        limits.fieldBytes = 200
        limits.headerBytes = 600
        limits.headerCount = 12
        limits.bodyBytes = 300
        return limits
    }()

    init(_ stream: [UInt8], pieces: [Int], limits: HTTPLimits = Self.limits) {
        var parser = HTTPRequestParser(limits: limits)
        var start = 0
        for piece in pieces {
            var rest = stream[start...].prefix(piece)
            start = rest.endIndex
            while !rest.isEmpty {
                do throws(HTTPParseError) {
                    let used = try parser.consume(rest.span)
                    hold(used > 0, "a step forward")
                    hold(parser.bodyCount <= limits.bodyBytes, "the limit of a body")
                    rest = rest.dropFirst(used)
                } catch {
                    refusal = error
                    return
                }
                guard parser.isComplete else { continue }
                let closes = parser.closesAfterwards
                let request = parser.take(from: HTTPPeer())
                requests.append(
                    ReadRequest(
                        method: request.method, path: request.path, query: request.query,
                        headers: request.headers.pairs, body: request.body, closes: closes))
                if closes { return }
            }
        }
        isIdle = parser.isIdle
    }
}
