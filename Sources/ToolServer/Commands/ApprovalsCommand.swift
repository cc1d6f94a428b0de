import Enforcement
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
        case "approve":
            return try decide(rest, options: ["--edit", "--for", "--tools"]) { _ in .approve }
        case "reject":
            return try decide(rest, options: ["--reason"]) { (arguments) throws(UsageError) in
                guard let reason = arguments["--reason"] else {
                    throw UsageError(
                        "approvals reject needs --reason TEXT, which the caller is told")
                }
                return .reject(reason: reason)
            }
        case "force":
            return try decide(rest, options: ["--reason", "--edit", "--for", "--tools"]) {
                (arguments) throws(UsageError) in
                guard let reason = arguments["--reason"] else {
                    throw UsageError("approvals force needs --reason TEXT, which all who look see")
                }
                return .force(reason: reason)
            }
        case "modify": return try modify(rest)
        case "watch": return try watch(rest)
        case "notices": return try notices(rest)
        case let word?:
            let known = [
                "list", "show", "approve", "reject", "modify", "force", "watch", "notices",
            ]
            let hint = nearest(word, among: known).map { "; did you mean \($0)?" } ?? ""
            throw UsageError("unknown command approvals \(word)\(hint)")
        case nil:
            throw UsageError(
                "approvals needs list, show, approve, reject, modify, force, watch or notices")
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
            let view = try await session.wholeView(of: request)
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
        let (decision, edit) = (try decision(arguments), try edit(arguments))
        let narrowing = try narrowing(arguments)
        return try ApprovalsSession.run(arguments) { session in
            let request = try await session.find(handle)
            let decided = try await session.decide(
                request, decision, seeing: edit, narrowing: narrowing)
            StandardStream.output.line(session.view(of: decided).standing)
            return .done
        }
    }

    /// Only the members that change are given: who may not see a value can leave it as it is.
    private static func modify(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: ["--manifests", "--state", "--edit"], operands: 2)
        guard arguments.operands.count == 2 else {
            throw UsageError(
                "approvals modify needs a handle and the arguments that change, as a JSON object; null takes one away"
            )
        }
        let (handle, edit) = (arguments.operands[0], try edit(arguments))
        let changed = try TryCommand.object(arguments.operands[1])
        return try ApprovalsSession.run(arguments) { session in
            let request = try await session.find(handle)
            let decided = try await session.modify(request, changed, seeing: edit)
            for line in session.view(of: decided).whole { StandardStream.output.line(line) }
            return .done
        }
    }

    /// How far places have been told. Ends with 1 where one has not taken a notice yet.
    private static func notices(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(words, options: ["--manifests", "--state"])
        return try ApprovalsSession.run(arguments) { session in
            var code = ExitCode.done
            for (id, delivery) in try await session.notices() {
                let again = "again from \(WallClock.text(delivery.next))"
                let why = delivery.failure.map { ": \($0), \(again)" } ?? ""
                let text =
                    "\(id)  \(delivery.phase.rawValue) after \(delivery.attempts) attempts\(why)"
                StandardStream.output.line(printable(text, limit: 512))
                if delivery.phase == .waiting { code = .failed }
            }
            return code
        }
    }

    private static func edit(_ arguments: Arguments) throws(UsageError) -> Int {
        guard let text = arguments["--edit"] else { return 0 }
        guard let edit = Int(text), edit > 0 else {
            throw UsageError("--edit is the number of the change that you looked at")
        }
        return edit
    }

    /// Of a request for access: what is left of it.
    private static func narrowing(
        _ arguments: Arguments
    ) throws(UsageError) -> AccessTerms.Narrowing? {
        var narrowing = AccessTerms.Narrowing()
        if let text = arguments["--for"] {
            guard let seconds = RecordFilter.seconds(text) else {
                throw UsageError("--for takes a time such as 90s, 30m or 2h")
            }
            narrowing.seconds = seconds
        }
        narrowing.tools = arguments["--tools"].map { text in
            text.split(separator: ",").map { Name(String($0)) }
        }
        return narrowing.seconds == nil && narrowing.tools == nil ? nil : narrowing
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
