import Backends
import Enforcement
import EventLoop
import Glibc
import JSON

/// `toolserver approvals`: where people decide, beside a server that runs or not.
///
/// It works on the store that the servers of this installation share, and writes a record of its
/// own beside theirs. Who decides is whoever shows a token of a trusted issuer in TOOLSERVER_TOKEN,
/// or the login name that server.json lists; nobody else sees anything.
enum ApprovalsCommand {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let words = Array(words)
        let rest = words.dropFirst()
        switch words.first {
        case "list": return try list(rest)
        case "show": return try show(rest)
        case "approve": return try decide(rest, options: []) { _ in .approve }
        case "reject":
            return try decide(rest, options: ["--reason"]) { (arguments) throws(UsageError) in
                guard let reason = arguments["--reason"] else {
                    throw UsageError(
                        "approvals reject needs --reason TEXT, which the caller is told")
                }
                return .reject(reason: reason)
            }
        case "force":
            return try decide(rest, options: ["--reason"]) { (arguments) throws(UsageError) in
                guard let reason = arguments["--reason"] else {
                    throw UsageError("approvals force needs --reason TEXT, which all who look see")
                }
                return .force(reason: reason)
            }
        case "watch": return try watch(rest)
        case let word?:
            let known = ["list", "show", "approve", "reject", "force", "watch"]
            let hint = nearest(word, among: known).map { "; did you mean \($0)?" } ?? ""
            throw UsageError("unknown command approvals \(word)\(hint)")
        case nil: throw UsageError("approvals needs list, show, approve, reject, force or watch")
        }
    }

    private static func list(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: ["--manifests", "--state"], flags: ["--all", "--json"])
        return try ApprovalsSession.run(arguments) { session in
            let requests = try await session.requests(all: arguments.has("--all"))
            for request in requests {
                let view = session.view(of: request)
                StandardStream.output.line(
                    arguments.has("--json") ? view.json.text : view.line)
            }
            if requests.isEmpty, !arguments.has("--json") {
                StandardStream.output.line("nothing waits for a decision")
            }
            return .done
        }
    }

    private static func show(_ words: some Sequence<String>) throws -> ExitCode {
        let (arguments, handle) = try one(words, flags: ["--json"])
        return try ApprovalsSession.run(arguments) { session in
            let request = try await session.find(handle)
            let view = session.view(of: request)
            if arguments.has("--json") {
                StandardStream.output.line(view.json.text)
            } else {
                for line in view.whole { StandardStream.output.line(line) }
            }
            return .done
        }
    }

    private static func decide(
        _ words: some Sequence<String>, options: [String],
        _ decision: (Arguments) throws(UsageError) -> ApprovalDesk.Decision
    ) throws -> ExitCode {
        let (arguments, handle) = try one(words, options: options)
        let decision = try decision(arguments)
        return try ApprovalsSession.run(arguments) { session in
            let decided = try await session.decide(handle, decision)
            StandardStream.output.line(session.view(of: decided).standing)
            return .done
        }
    }

    private static func one(
        _ words: some Sequence<String>, options: [String] = [], flags: [String] = []
    ) throws(UsageError) -> (Arguments, String) {
        let arguments = try Arguments(
            words, options: ["--manifests", "--state"] + options, flags: flags, operands: 1)
        guard let handle = arguments.operands.first else {
            throw UsageError("give the handle of one request, or the beginning of it")
        }
        return (arguments, handle)
    }

    /// On a terminal the list itself, drawn anew; elsewhere a line for each change.
    private static func watch(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(words, options: ["--manifests", "--state"])
        let isTerminal = isatty(STDOUT_FILENO) == 1
        return try ApprovalsSession.run(arguments) { session in
            var known: [Name: String] = [:]
            while true {
                let lines = try await session.requests(all: !isTerminal).map { request in
                    (request.id, session.view(of: request).line)
                }
                let isShown: Bool
                if isTerminal {
                    let text = lines.map(\.1).joined(separator: "\n")
                    isShown = StandardStream.output.write(
                        Array("\u{1B}[2J\u{1B}[H\(text.isEmpty ? "nothing waits" : text)\n".utf8))
                } else {
                    let changed = lines.reversed().filter { known[$0.0] != $0.1 }
                    isShown = changed.allSatisfy {
                        StandardStream.output.write(Array("\($0.1)\n".utf8))
                    }
                }
                known = Dictionary(lines, uniquingKeysWith: { first, _ in first })
                guard isShown else { return .done }
                await session.change()
            }
        }
    }
}

/// One person at work on the requests of an installation.
struct ApprovalsSession: Sendable {
    private let approver: IdentifiedCaller
    private let state: StateDatabase
    private let installation: Installation
    private let rules: MaskRules

    static func run(
        _ arguments: Arguments,
        _ body: @escaping @Sendable (ApprovalsSession) async throws -> ExitCode
    ) throws -> ExitCode {
        let settings = try Startup.settings(arguments)
        let installation = Startup.installation(arguments, settings)
        try installation.prepare()
        let keys = try InstallationKeys(installation)
        let rules = try MaskRules(manifests: arguments)
        let state = try installation.openState()
        let workers = Startup.workers()
        let group = try EventLoopGroup(count: 1)
        let issuers = IssuerConnections(loop: group.next(), workers: workers)
        let identity = IdentityStage(
            issuers: issuers.trusted(settings, installation: keys), localUsers: settings.localUsers,
            revocations: Revocations(state), proofs: state)
        try group.start()
        state.listen(on: group.next())
        defer {
            state.close()
            workers.stop()
        }
        return Lifetime().run(on: group.next()) {
            do {
                let approver = try await identity.identify(LocalCredential.read())
                return try await body(
                    ApprovalsSession(
                        approver: approver, state: state, installation: installation, rules: rules))
            } catch let refusal as Refusal {
                throw CommandFailure(refusal.told)
            } catch let objection as ApprovalObjection {
                throw CommandFailure(objection.told)
            }
        }
    }

    func requests(all: Bool) async throws(ApprovalObjection) -> [ApprovalRequest] {
        let desk = ApprovalDesk(store: state, sink: NoSink())
        if all { return try await desk.list() }
        return try await desk.list(.pending, most: 10_000)
    }

    func find(_ handle: String) async throws(ApprovalObjection) -> ApprovalRequest {
        try await ApprovalDesk(store: state, sink: NoSink()).find(handle)
    }

    func decide(
        _ handle: String, _ decision: ApprovalDesk.Decision
    ) async throws -> ApprovalRequest {
        let request = try await find(handle)
        try request.check(approver.caller, now: WallClock.seconds())
        let recorder = try installation.openRecord().recorder
        defer { recorder.close() }
        return try await ApprovalDesk(store: state, sink: recorder)
            .decide(request.id, decision, by: approver)
    }

    func view(of request: ApprovalRequest) -> ApprovalView {
        ApprovalView(request, for: approver.caller, rules)
    }

    /// Until something in the store changes.
    func change() async { await state.anyChange(within: .seconds(60)) }
}

/// For who only looks.
private struct NoSink: RecordSink {
    func append(_ bodies: [[UInt8]]) async throws(RecordError) -> RecordReceipt { throw .closed }
}
