import Backends
import Enforcement
import EventLoop
import JSON

/// `toolserver token revoke`: ends tokens and certificates before their time, for every process on
/// this state.
enum TokenRevokeCommand {
    /// No token lives longer here, whatever its issuer says (`lifetime` in server.json).
    private static let lifetimeMax = 7 * 86_400 + 600
    /// What ends certificates and users of this machine is kept for good: nothing says when the
    /// last of them is over.
    private static let never = 1 << 40

    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words,
            options: [
                "--id", "--subject", "--client", "--certificate", "--serial", "--issuer",
                "--manifests", "--state",
            ])
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
        let (kind, value) = try named(arguments)
        let issuer = arguments["--issuer"]
        if kind == .serial, issuer == nil {
            throw UsageError("token revoke --serial needs --issuer: each counts for itself")
        }
        let names = IdentitySources(settings).names
        if let issuer, !names.contains(Name(issuer)) {
            let near = nearest(issuer, among: names.map(\.text)).map { "; did you mean \($0)?" }
            throw UsageError("no issuer `\(issuer)` in server.json\(near ?? "")")
        }
        let now = WallClock.seconds()
        // An issuer's clock may be ahead: its tokens of this minute end, too.
        let leeway = settings.issuers.map(\.rules.leewaySeconds).max() ?? 0
        let isLasting =
            kind == .certificate || kind == .serial
            || kind == .subject && isLasting(issuer, settings)
        return Revocation(
            kind: kind, issuer: issuer.map { Name($0) }, value: value, at: now + leeway,
            expires: isLasting ? never : now + lifetimeMax)
    }

    /// Whether callers of this issuer, or of any, may be known by something that outlives tokens:
    /// a certificate, or a login name.
    private static func isLasting(_ issuer: String?, _ settings: ServerSettings) -> Bool {
        var lasting = settings.issuers.filter { $0.certificates != nil }.map(\.rules.issuer)
        if !settings.localUsers.isEmpty { lasting.append(IdentitySources.localUser) }
        return lasting.contains { name in issuer.map { $0.isByteEqual(to: name) } ?? true }
    }

    private static func named(
        _ arguments: Arguments
    ) throws(UsageError) -> (Revocation.Kind, Name) {
        let options: [(Revocation.Kind, String)] = [
            (.token, "--id"), (.subject, "--subject"), (.client, "--client"),
            (.certificate, "--certificate"), (.serial, "--serial"),
        ]
        let given = options.compactMap { kind, option in arguments[option].map { (kind, $0) } }
        guard given.count == 1, !given[0].1.utf8.isEmpty else {
            throw UsageError(
                "token revoke needs one of --id JTI, --subject SUBJECT, --client CLIENT, --certificate SHA256, --serial HEX"
            )
        }
        let (kind, text) = given[0]
        guard kind == .certificate || kind == .serial else { return (kind, Name(text)) }
        return (kind, try hexadecimal(text, isDigest: kind == .certificate))
    }

    /// As `openssl x509 -fingerprint -sha256` and `-serial` print them, with colons or without.
    private static func hexadecimal(
        _ text: String, isDigest: Bool
    ) throws(UsageError) -> Name {
        let digits = text.lowercased().utf8.filter { $0 != UInt8(ascii: ":") }
        let isHexadecimal = digits.allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x66).contains($0)
        }
        let size = isDigest ? 64...64 : 1...64
        guard isHexadecimal, size.contains(digits.count) else {
            throw UsageError(
                isDigest
                    ? "--certificate is the SHA-256 of a certificate: 64 hexadecimal digits"
                    : "--serial is a serial number in hexadecimal")
        }
        let kept = isDigest ? digits[...] : digits.drop { $0 == UInt8(ascii: "0") }
        return Name(kept.isEmpty ? "0" : String(decoding: kept, as: UTF8.self))
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
