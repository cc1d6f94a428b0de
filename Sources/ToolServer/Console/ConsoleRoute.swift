import Enforcement
import EventLoop
import JSON

/// What a request to the console is about, as far as its head says.
enum ConsoleRoute: Equatable {
    case list(ConsoleQuery)
    case show(String)
    case decide(String, Verb)

    typealias Verb = ApprovalDesk.Decision.Kind

    private static let requests = "/v1/approvals"

    init(_ head: HTTPRequest) throws(ProblemDetails) {
        let path = head.path.utf8
        if head.path.isByteEqual(to: Self.requests) {
            try Self.demand("GET", head)
            self = .list(try ConsoleQuery(head.query))
            return
        }
        guard path.starts(with: "\(Self.requests)/".utf8) else { throw Self.notFound }
        let parts = path.dropFirst(Self.requests.utf8.count + 1).split(
            separator: UInt8(ascii: "/"), maxSplits: 2, omittingEmptySubsequences: false)
        let handle = String(decoding: parts[0], as: UTF8.self)
        guard Self.isHandle(handle) else { throw Self.notFound }
        switch parts.count {
        case 1:
            try Self.demand("GET", head)
            self = .show(handle)
        case 2:
            guard let verb = Verb(rawValue: String(decoding: parts[1], as: UTF8.self)) else {
                throw Self.notFound
            }
            try Self.demand("POST", head)
            self = .decide(handle, verb)
        default: throw Self.notFound
        }
    }

    private static func isHandle(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    private static let notFound = ProblemDetails(
        404,
        "Not found. There are GET /v1/approvals, GET /v1/approvals/HANDLE and POST /v1/approvals/HANDLE/approve, reject, force or modify."
    )

    private static func demand(
        _ method: String, _ head: HTTPRequest
    ) throws(ProblemDetails) {
        guard head.method.isByteEqual(to: method) else {
            throw ProblemDetails(405, "Send it by \(method).", headers: [("Allow", method)])
        }
        // A page can make a browser post a form, but not this type without asking first.
        if method.isByteEqual(to: "POST"), !MediaTypes.isJSON(head.headers) {
            throw ProblemDetails(415, "Send `Content-Type: application/json`, in UTF-8.")
        }
    }
}

/// `?state=open&mark=…&wait=25`.
struct ConsoleQuery: Equatable {
    static let waitMax = 30

    /// Those over too, not only those that can be decided.
    var isOfAll = false
    /// Answered when the list is another than the one that bore this mark.
    var mark: String?
    /// At the latest after so many seconds.
    var wait = 0

    init(_ query: String?) throws(ProblemDetails) {
        for pair in (query ?? "").utf8.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1).map {
                String(decoding: $0, as: UTF8.self)
            }
            guard parts.count == 2 else { throw Self.unknown }
            switch Name(parts[0]) {
            case "state" where parts[1].isByteEqual(to: "all"): isOfAll = true
            case "state" where parts[1].isByteEqual(to: "pending"): isOfAll = false
            case "mark" where parts[1].utf8.count <= 64: mark = parts[1]
            case "wait":
                guard let seconds = Int(parts[1]), (0...Self.waitMax).contains(seconds) else {
                    throw Self.unknown
                }
                wait = seconds
            default: throw Self.unknown
            }
        }
    }

    private static let unknown = ProblemDetails(
        400,
        "The query here is `state=pending` or `state=all`, `mark=` as the last list had it, and `wait=` 0 to \(waitMax) seconds."
    )
}
