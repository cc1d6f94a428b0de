import Backends
import Enforcement
import EventLoop
import JSON

/// `toolserver token revoke`: ends tokens before their time, for every process on this state.
enum TokenRevokeCommand {
    /// No token lives longer here, whatever its issuer says (`lifetime` in server.json).
    private static let lifetimeMax = 7 * 86_400 + 600

    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words,
            options: ["--id", "--subject", "--client", "--issuer", "--manifests", "--state"])
        let settings = try Startup.settings(arguments)
        let revocation = try revocation(arguments, settings)
        let installation = Startup.installation(arguments, settings)
        try installation.prepare()
        let group = try EventLoopGroup(count: 1)
        let state = try installation.openState()
        defer { state.close() }
        let recorder = try installation.openRecord().recorder
        defer { recorder.close() }
        try group.start()
        return Lifetime().run(on: group.next()) {
            do throws(StateError) { try await state.revoke(revocation) } catch {
                throw CommandFailure("nothing was revoked: \(error.detail)")
            }
            do throws(RecordError) {
                _ = try await recorder.append([line(revocation)])
            } catch {
                throw CommandFailure("it is revoked, but that is not on record: \(error)")
            }
            StandardStream.output.line("revoked")
            return .done
        }
    }

    private static func revocation(
        _ arguments: Arguments, _ settings: ServerSettings
    ) throws(UsageError) -> Revocation {
        let named: [(Revocation.Kind, String?)] = [
            (.token, arguments["--id"]), (.subject, arguments["--subject"]),
            (.client, arguments["--client"]),
        ]
        let given = named.compactMap { kind, value in value.map { (kind, $0) } }
        guard given.count == 1, !given[0].1.utf8.isEmpty else {
            throw UsageError(
                "token revoke needs one of --id JTI, --subject SUBJECT, --client CLIENT")
        }
        let issuer = arguments["--issuer"]
        let known = IdentitySources(settings).names
        if let issuer, !known.contains(Name(issuer)) {
            let near = nearest(issuer, among: known.map(\.text)).map { "; did you mean \($0)?" }
            throw UsageError("no issuer `\(issuer)` in server.json\(near ?? "")")
        }
        let now = WallClock.seconds()
        // An issuer's clock may be ahead: its tokens of this minute end, too.
        let leeway = settings.issuers.map(\.rules.leewaySeconds).max() ?? 0
        return Revocation(
            kind: given[0].0, issuer: issuer.map { Name($0) }, value: Name(given[0].1),
            at: now + leeway, expires: now + lifetimeMax)
    }

    private static func line(_ revocation: Revocation) -> [UInt8] {
        var writer = JSONWriter()
        writer.member("event", "revoke")
        writer.member("v", RecordForm.version)
        writer.member("kind", revocation.kind.rawValue)
        writer.member("value", revocation.value.text)
        if let issuer = revocation.issuer { writer.member("issuer", issuer.text) }
        return writer.finish()
    }
}
