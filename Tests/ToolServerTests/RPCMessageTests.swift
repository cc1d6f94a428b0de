import JSON
import Testing

@testable import ToolServer

@Suite struct RPCMessageTests {
    private func parse(_ text: String) -> Result<Message, RPCError> {
        do throws(RPCError) { return .success(try Message(Array(text.utf8))) } catch {
            return .failure(error)
        }
    }

    private func request(_ text: String) throws -> Request {
        guard case .request(let request) = try parse(text).get() else {
            throw RPCError(.internal, "no request")
        }
        return request
    }

    private func error(_ text: String) -> RPCError? {
        if case .failure(let error) = parse(text) { error } else { nil }
    }

    @Test func aRequestHasIdMethodAndParams() throws {
        let request = try request(
            #"{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":1,"_meta":{"b":2}}}"#)
        #expect(request.id == .integer("7"))
        #expect(request.method == "m")
        #expect(request.params["a"] == 1)
        #expect(request.meta?["b"] == 2)
    }

    @Test(arguments: [
        "1", "0", "-1", "-0", "9007199254740993", "9223372036854775807", #""a""#, #""1""#, #""""#,
        #""\u212A""#,
    ])
    func anIdComesBackAsItWasWritten(_ id: String) throws {
        let request = try request(#"{"jsonrpc":"2.0","id":\#(id),"method":"m"}"#)
        let wanted = try JSONParser.parse(Array(id.utf8))
        #expect(request.id.json == wanted)
        for pieces in [[Array("{}".utf8)], [Array("{".utf8), Array("}".utf8)]] {
            let reply = Reply.result(pieces, to: request.id)
            #expect(
                String(decoding: Array(reply.joined()), as: UTF8.self)
                    == #"{"jsonrpc":"2.0","id":\#(wanted.text),"result":{}}"#)
        }
    }

    @Test(arguments: [
        "null", "1.5", "1.0", "1e2", "true", "[]", "{}", "[1]", "9223372036854775808",
        "-9223372036854775809", "1e400",
    ])
    func anIdOfAnotherKindIsRefusedAndNotRepeated(_ id: String) {
        let error = error(#"{"jsonrpc":"2.0","id":\#(id),"method":"m"}"#)
        #expect(error?.code == .invalidRequest)
        #expect(error?.id == nil)
    }

    @Test func idsOfDifferentKindsDiffer() {
        #expect(RequestID("1") != RequestID(1))
        #expect(RequestID("K") != RequestID("\u{212A}"))
    }

    @Test(arguments: ["[1]", "7", #"{"_meta":5}"#])
    func aNotificationWithBadParametersIsMarkedAsNeverAnswered(_ params: String) {
        let text = #"{"jsonrpc":"2.0","method":"notifications/initialized","params":\#(params)"#
        let notification = Array((text + "}").utf8)
        #expect(throws: RPCError.self) { try Message(notification) }
        do { _ = try Message(notification) } catch { #expect(error.isOfNotification) }
        do { _ = try Message(Array((text + #","id":1}"#).utf8)) } catch {
            #expect(!error.isOfNotification)
        }
    }

    @Test func aMessageWithoutIdIsANotification() throws {
        let message = try parse(#"{"jsonrpc":"2.0","method":"n","params":{"x":1}}"#).get()
        guard case .notification("n", let params) = message else {
            Issue.record("no notification")
            return
        }
        #expect(params["x"] == 1)
    }

    @Test(arguments: [
        #"{"jsonrpc":"2.0","id":1,"result":{}}"#, #"{"jsonrpc":"2.0","id":1,"error":{}}"#,
        #"{"jsonrpc":"2.0","result":null}"#,
    ])
    func anAnswerToUsIsPassedOver(_ text: String) throws {
        guard case .response = try parse(text).get() else {
            Issue.record("no response")
            return
        }
    }

    @Test(arguments: [
        "", " ", "{", "nul", #"{"jsonrpc":"2.0","id":1,"method":"m"}x"#, "\u{FEFF}{}",
        #"{"jsonrpc":"2.0","id":1,"id":2,"method":"m"}"#,
        #"{"jsonrpc":"2.0","id":1,"method":"m","m\u0065thod":"n"}"#, #"{"a":NaN}"#, #"{"a":'b'}"#,
        #"{"jsonrpc":"2.0","id":01,"method":"m"}"#, #"{"jsonrpc":"2.0",}"#,
    ])
    func whatIsNotOneStrictDocumentIsAParseError(_ text: String) {
        #expect(error(text)?.code == .parse)
        #expect(error(text)?.id == nil)
    }

    @Test func bytesThatAreNoUTF8AreAParseError() {
        let bytes = Array(#"{"jsonrpc":"2.0","id":1,"method":"m"#.utf8) + [0xC0, 0xAF, 0x22, 0x7D]
        #expect {
            try Message(bytes)
        } throws: {
            ($0 as? RPCError)?.code == .parse
        }
    }

    @Test func deepNestingIsAParseError() {
        let deep = String(repeating: "[", count: 200_000)
        #expect(error(#"{"jsonrpc":"2.0","id":1,"method":"m","params":"# + deep)?.code == .parse)
    }

    @Test(arguments: [
        "[]", #"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, "null", "1", #""x""#, "true",
    ])
    func batchesAndOtherValuesAreNoMessage(_ text: String) {
        #expect(error(text)?.code == .invalidRequest)
    }

    @Test(arguments: [
        #"{"id":5,"method":"m"}"#, #"{"jsonrpc":"1.0","id":5,"method":"m"}"#,
        #"{"jsonrpc":2.0,"id":5,"method":"m"}"#, #"{"jsonrpc":"2.0 ","id":5,"method":"m"}"#,
        #"{"jsonrpc":null,"id":5,"method":"m"}"#, #"{"jsonrpc":"2.0","id":5}"#,
        #"{"jsonrpc":"2.0","id":5,"method":7}"#, #"{"jsonrpc":"2.0","id":5,"method":null}"#,
        #"{"JSONRPC":"2.0","id":5,"method":"m"}"#,
    ])
    func aMessageOfTheWrongFormIsRefusedUnderItsId(_ text: String) {
        #expect(error(text)?.code == .invalidRequest)
        #expect(error(text)?.id == .integer("5"))
    }

    @Test(arguments: ["[]", "null", "1", #""x""#, #"{"_meta":1}"#, #"{"_meta":null}"#])
    func paramsAreAnObject(_ params: String) {
        let error = error(#"{"jsonrpc":"2.0","id":5,"method":"m","params":\#(params)}"#)
        #expect(error?.code == .invalidParams)
        #expect(error?.id == .integer("5"))
    }

    // MARK: Replies

    @Test func anErrorWithoutIdHasNone() {
        let reply = Reply.error(RPCError(.parse, "bad \"text\""))
        #expect(
            String(decoding: reply, as: UTF8.self)
                == #"{"jsonrpc":"2.0","error":{"code":-32700,"message":"bad \"text\""}}"#)
    }

    @Test func anErrorsOwnIdWins() {
        let error = RPCError(.invalidParams, "m", id: .string("own"), data: ["a": 1])
        let reply = String(decoding: Reply.error(error, to: .integer("2")), as: UTF8.self)
        #expect(
            reply == #"{"jsonrpc":"2.0","id":"own","error":{"code":-32602,"message":"m","#
                + #""data":{"a":1}}}"#)
    }

    @Test func aNotificationHasNoId() {
        let reply = Reply.notification("n/x", params: ["a": [1]])
        #expect(
            String(decoding: reply, as: UTF8.self)
                == #"{"jsonrpc":"2.0","method":"n/x","params":{"a":[1]}}"#)
    }

    @Test func statusesFollowTheEra() {
        let coded = RPCError(.methodNotFound, "m", id: .integer("1"))
        #expect(coded.statelessStatus == 404)
        #expect(coded.handshakeStatus == 200)
        #expect(RPCError(.parse, "m").handshakeStatus == 400)
        #expect(RPCError(.invalidParams, "m").statelessStatus == 400)
        var retry = RPCError(.internal, "m", id: .integer("1"))
        #expect(retry.statelessStatus == 200)
        retry.retryAfterSeconds = 10
        #expect(retry.statelessStatus == 503)
        #expect(retry.handshakeStatus == 503)
    }
}
