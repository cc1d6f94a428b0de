import Enforcement
import EventLoop

/// Who spoke last on a connection, and with which words.
///
/// A client sends the same credential with every request of a connection. Comparing it with the
/// one before costs a tenth of digesting it again, and that is a good part of what listing tools
/// costs. It lives no longer than the connection, whose buffers hold the same bytes anyway.
final class Introduction {
    /// nil for whoever is known by the certificate of the connection.
    private let authorization: [UInt8]?
    private let identified: IdentifiedCaller
    private let serving: Serving
    /// The session that this caller has shown to be theirs, and when that was so.
    var session: (id: String, generation: Int)?

    init?(of caller: IdentifiedCaller, by head: HTTPRequest, to serving: Serving) {
        let authorization = head.headers.bytes("authorization")
        // A proof of possession is good for one request.
        guard caller.caller.binding?.keyThumbprint == nil,
            (authorization == nil) == (caller.caller.certificate != nil)
        else { return nil }
        self.authorization = authorization.map { Array($0) }
        identified = caller
        self.serving = serving
    }

    /// nil when the words differ, the proof has run out, or the rules changed since.
    func caller(of head: HTTPRequest, to serving: Serving) -> IdentifiedCaller? {
        guard serving === self.serving, isOf(head.headers.bytes("authorization")),
            serving.gate.stillHolds(identified)
        else { return nil }
        return identified
    }

    private func isOf(_ words: ArraySlice<UInt8>?) -> Bool {
        guard let words, let authorization else { return words == nil && authorization == nil }
        return words.elementsEqual(authorization)
    }
}
