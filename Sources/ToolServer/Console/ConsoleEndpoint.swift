// The listener at which people decide.
//
//     GET  /v1/approvals                   requests that wait, and that this person may decide
//     GET  /v1/approvals?mark=M&wait=30    answered when that list changes, or when time is over
//     GET  /v1/approvals/HANDLE            one, whole
//     POST /v1/approvals/HANDLE/approve    {"edit"}
//     POST /v1/approvals/HANDLE/reject     {"reason"}
//     POST /v1/approvals/HANDLE/force      {"reason", "edit"}
//     POST /v1/approvals/HANDLE/modify     {"arguments", "edit"}
//
// Another form of what the command line does, by the same functions. Nobody learns of a request
// that they could not decide; no cookie speaks for anybody; a token of the tools is worth nothing
// here.

import Enforcement
import EventLoop
import JSON
import Synchronization

struct ConsoleEndpoint: HTTPHandler {
    let current: CurrentServing
    let origins: OriginCheck
    let desk: ConsoleDesk

    func answer(withoutBody head: HTTPRequest) async -> HTTPResponse? {
        switch await enter(head, nil) {
        case .refused(let answer): answer
        case .admitted: nil
        }
    }

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) async {
        switch await enter(request, exchange) {
        case .refused(let answer): exchange.respond(answer)
        case .admitted(let visit): exchange.respond(await visit.answer(to: request))
        }
    }

    private enum Entry {
        case admitted(ConsoleVisit)
        case refused(HTTPResponse)
    }

    private func enter(_ head: HTTPRequest, _ exchange: HTTPExchange?) async -> Entry {
        guard origins.admits(head) else {
            return .refused(
                ProblemDetails(
                    403,
                    "This Origin or Host is not the console's. Set `console.resource` in server.json to the URL that programs use."
                ).response)
        }
        guard let console = current.value.console else {
            return .refused(ProblemDetails(404, "There is no console any more.").response)
        }
        let caller: IdentifiedCaller
        do throws(CallerAtTheDoor.TurnedAway) {
            caller = try await CallerAtTheDoor.identify(head, exchange, to: console.serving)
        } catch {
            return .refused(ProblemDetails(error).response)
        }
        guard console.admits(caller.caller) else {
            return .refused(
                ProblemDetails(403, "The console is for members of other groups.").response)
        }
        do throws(ProblemDetails) {
            let route = try ConsoleRoute(head)
            return .admitted(
                ConsoleVisit(
                    route: route, person: caller,
                    via: Transport(kind: .http, address: head.peerAddress), console: console,
                    desk: desk))
        } catch {
            return .refused(error.response)
        }
    }
}

/// What all who decide at the console share.
final class ConsoleDesk: Sendable {
    /// Of requests for changes that wait, all together.
    static let waitsMax = 64

    let store: any StateStore
    let sink: any RecordSink
    let now: @Sendable () -> Int
    /// Returns at the next change of the store, or at the limit.
    let change: @Sendable (Duration) async -> Void
    private let waiting = Mutex(0)
    private let isOver = Atomic<Bool>(false)

    init(
        store: any StateStore, sink: any RecordSink,
        now: @escaping @Sendable () -> Int = WallClock.seconds,
        change: @escaping @Sendable (Duration) async -> Void
    ) {
        self.store = store
        self.sink = sink
        self.now = now
        self.change = change
    }

    func approvals(_ values: ValueMasks) -> ApprovalDesk {
        ApprovalDesk(store: store, sink: sink, values: values, now: now)
    }

    /// The process is about to end: nobody waits any more.
    func end() { isOver.store(true, ordering: .relaxed) }

    var isEnding: Bool { isOver.load(ordering: .relaxed) }

    func enter() -> Bool {
        waiting.withLock { waiting in
            guard waiting < Self.waitsMax else { return false }
            waiting += 1
            return true
        }
    }

    func leave() { waiting.withLock { $0 -= 1 } }
}
