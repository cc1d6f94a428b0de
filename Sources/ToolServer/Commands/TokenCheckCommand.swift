import Enforcement
import EventLoop
import JSON

/// `toolserver token check`: would this server believe these tokens, and whose are they?
enum TokenCheckCommand {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: ["--now", "--manifests", "--state"], flags: ["--jsonl"], operands: 1)
        let settings = try Startup.settings(arguments)
        let now = try arguments.integer("--now", in: 0...1 << 40) ?? WallClock.seconds()
        let isLines = arguments.has("--jsonl")
        if isLines, !arguments.operands.isEmpty {
            throw UsageError("with --jsonl the tokens come as lines on standard input")
        }
        guard let token = arguments.operands.first ?? (isLines ? "" : nil) else {
            throw UsageError("token check needs a token, or --jsonl and lines on standard input")
        }
        let group = try EventLoopGroup(count: 1)
        let workers = Startup.workers()
        defer { workers.stop() }
        let issuers = try issuers(
            arguments, settings, IssuerConnections(loop: group.next(), workers: workers))
        try group.start()
        return Lifetime().run(on: group.next()) {
            guard isLines else {
                let answer = await answer(token, issuers, now)
                StandardStream.output.line(JSONValue.object(answer).text)
                return answer["accept"]?.bool == true ? .done : .failed
            }
            return await JSONLines.answer { (line) async throws(UsageError) in
                guard let token = line["token"]?.string else {
                    throw UsageError("a line holds `id` and `token`")
                }
                return await answer(token, issuers, now)
            }
        }
    }

    /// The key of the installation is needed, and made, only where its tokens count.
    static func issuers(
        _ arguments: Arguments, _ settings: ServerSettings, _ connections: IssuerConnections
    ) throws -> TrustedIssuers {
        guard settings.issuers.contains(where: \.isInstallation) else {
            return connections.trusted(settings, installation: nil)
        }
        let installation = Startup.installation(arguments, settings)
        try installation.prepare()
        return connections.trusted(settings, installation: try InstallationKeys(installation))
    }

    private static func answer(
        _ token: String, _ issuers: TrustedIssuers, _ now: Int
    ) async -> JSONObject {
        do throws(Refusal) {
            let caller = try await issuers.caller(of: token, now: now)
            return JSONObject(distinct: [
                ("accept", true), ("code", "ok"), ("caller", caller.json),
            ])
        } catch {
            return JSONObject(distinct: [
                ("accept", false), ("code", .string(error.code.rawValue)),
                ("reason", .string(error.noted ?? error.told)),
            ])
        }
    }
}

extension Caller {
    /// For people who look into an installation; the record has a form of its own.
    var json: JSONValue {
        var object = JSONObject(distinct: [
            ("issuer", .string(issuer)), ("subject", .string(subject)),
            ("kind", .string(kind.rawValue)),
            ("groups", .array(groups.map { .string($0.text) })),
        ])
        object["email"] = email.map { .string($0) }
        object["onBehalfOf"] = onBehalfOf.map { .string($0) }
        object["client"] = clientID.map { .string($0) }
        // Shown without what it is bound to, it would not be accepted.
        if binding != nil { object["bound"] = true }
        object["expires"] = expires.map { .number(JSONNumber($0)) }
        return .object(object)
    }
}
