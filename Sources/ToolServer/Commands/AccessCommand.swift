import Enforcement
import JSON

/// `toolserver grants list` and `grants revoke`: what people granted for a while.
enum AccessCommand {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let words = Array(words)
        if words.first == "revoke" { return try revoke(words.dropFirst()) }
        let arguments = try Arguments(
            words.dropFirst(), options: ["--manifests", "--state"], flags: ["--all", "--json"])
        return try ApprovalsSession.run(arguments) { session in
            let all = try await session.grants()
            let shown = arguments.has("--all") ? all : all.filter { $0.phase == .granted }
            for grant in shown {
                StandardStream.output.line(arguments.has("--json") ? grant.json.text : grant.line)
            }
            if shown.isEmpty, !arguments.has("--json") {
                StandardStream.output.line("nothing is granted for a while")
            }
            return .done
        }
    }

    private static func revoke(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(words, options: ["--manifests", "--state"], operands: 1)
        guard let id = arguments.operands.first else {
            throw UsageError("give the id of one grant, or the beginning of it")
        }
        return try ApprovalsSession.run(arguments) { session in
            let grant = try await session.revoke(id)
            StandardStream.output.line(
                printable("\(grant.id)  revoked: it holds for nobody any more", limit: 512))
            return .done
        }
    }
}

extension AccessGrant {
    fileprivate var line: String {
        let behind = caller.onBehalfOf.map { " for \($0)" } ?? ""
        let client = caller.clientID.map { " by \($0)" } ?? ""
        let who = "\(caller.subject)\(behind)\(client) (\(caller.issuer))"
        let approved = approvers.map(\.subject).joined(separator: ", ")
        let end = revoked.map { "  by \($0.by.subject) at \(WallClock.text($0.at))" } ?? ""
        let text =
            "\(id)  \(phase.rawValue)\(end)  \(who)  \(tools.map(\.text).joined(separator: ", "))  until \(WallClock.text(until))  approved by \(approved)"
        return printable(text, limit: 2_000)
    }

    fileprivate var json: JSONValue {
        var value = JSONObject()
        value["grant"] = .string(id.text)
        value["state"] = .string(phase.rawValue)
        var holder = JSONObject()
        holder["issuer"] = .string(caller.issuer)
        holder["subject"] = .string(caller.subject)
        holder["for"] = caller.onBehalfOf.map { .string($0) }
        holder["client"] = caller.clientID.map { .string($0) }
        value["caller"] = .object(holder)
        value["tools"] = tools.json
        value["from"] = .string(WallClock.text(from))
        value["until"] = .string(WallClock.text(until))
        value["approvers"] = .array(approvers.map(\.json))
        if let revoked {
            value["revoked"] = [
                "at": .string(WallClock.text(revoked.at)), "by": revoked.by.json,
            ]
        }
        return .object(value)
    }
}
