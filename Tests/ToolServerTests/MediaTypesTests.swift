import EventLoop
import Testing

@testable import ToolServer

@Suite struct MediaTypesTests {
    private static func headers(_ name: String, _ values: [String]) -> HTTPHeaders {
        HTTPHeaders(values.map { (name, $0) })
    }

    @Test(arguments: [
        "application/json", "Application/JSON", "application/json;charset=utf-8",
        "application/json; charset=\"UTF-8\"", "application/json ; a=b; charset=utf-8",
        "application/json;", "application/json;a=\"x;charset=latin1\"",
    ])
    func jsonInUTF8IsRead(_ value: String) {
        #expect(MediaTypes.isJSON(Self.headers("content-type", [value])))
    }

    @Test(arguments: [
        [], [""], ["text/plain"], ["application/json+x"], ["application/jsonp"], ["application"],
        ["application/json, text/plain"], ["application/json charset=utf-8"],
        ["application/json;charset=utf-16"], ["application/json;charset"],
        ["application/json;charset="], ["application/json;=utf-8"],
        ["application/json;charset=utf-8;charset=utf-8"], ["application/json;charset=\"utf-8"],
        ["application/json;charset =utf-8"], ["application/json;charset=utf\u{2010}8"],
        ["application/json;a=b", "application/json"],
    ])
    func whatIsNotIsRefused(_ values: [String]) {
        #expect(!MediaTypes.isJSON(Self.headers("content-type", values)))
    }

    static let table: [(accept: [String], json: Bool, stream: Bool)] = [
        ([], true, true), (["application/json, text/event-stream"], true, true),
        (["text/event-stream,application/json"], true, true), (["*/*"], true, true),
        (["application/json"], true, false), (["text/event-stream"], false, true),
        (["APPLICATION/*"], true, false), (["text/*;q=0.1"], false, true),
        (["application/json", "text/event-stream"], true, true), (["text/html"], false, false),
        ([""], false, false), (["*/*;q=0"], false, false), (["*/*;q=0.000"], false, false),
        (["*/*, text/event-stream;q=0"], true, false),
        (["text/*;q=0, text/event-stream"], false, true),
        (["application/json;q=0, */*"], false, true), (["application/json;q=x"], true, false),
        (["application/json;q=1;a=\",\", text/html"], true, false),
        (["application/jsonx, */x"], false, false), (["application/json;q=0.001"], true, false),
    ]

    @Test(arguments: table)
    func theMostExactRangeDecides(_ accept: [String], _ json: Bool, _ stream: Bool) {
        let accepted = MediaTypes.Accepted(Self.headers("accept", accept))
        #expect(accepted.json == json)
        #expect(accepted.eventStream == stream)
    }
}
