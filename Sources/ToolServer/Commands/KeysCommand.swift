import Enforcement
import EventLoop
import JSON

/// `toolserver keys`: which keys sign and verify this installation's tokens, and another one.
enum KeysCommand {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(
            words, options: ["--manifests", "--state"], flags: ["--at-once"], operands: 1)
        let settings = try Startup.settings(arguments)
        let installation = Startup.installation(arguments, settings)
        try installation.prepare()
        switch arguments.operands.first {
        case "rotate": return try rotate(installation, atOnce: arguments.has("--at-once"))
        case "list" where !arguments.has("--at-once"):
            show(try installation.keyRing())
            return .done
        default: throw UsageError("keys takes `list`, or `rotate` with or without --at-once")
        }
    }

    private static func rotate(_ installation: Installation, atOnce: Bool) throws -> ExitCode {
        let group = try EventLoopGroup(count: 1)
        let recorder = try installation.openRecord().recorder
        defer { recorder.close() }
        try group.start()
        return Lifetime().run(on: group.next()) {
            let before = try installation.keyRing()
            let ring = try installation.rotateTokenKey(atOnce: atOnce, now: WallClock.seconds())
            let removed = before.retired.count + 1 - ring.retired.count
            do throws(RecordError) {
                _ = try await recorder.append([
                    KeyNotice.changed(IssuerManifest.local, added: 1, removed: removed)
                ])
            } catch {
                throw CommandFailure("it is rotated, but that is not on record: \(error)")
            }
            show(ring)
            return .done
        }
    }

    private static func show(_ ring: KeyRing) {
        StandardStream.output.line("\(LocalToken.keyID(of: ring.signer.publicKey))  signs")
        for retired in ring.retired where retired.until > WallClock.seconds() {
            let id = retired.key["kid"]?.string ?? ""
            StandardStream.output.line("\(id)  verifies until \(WallClock.text(retired.until))")
        }
    }
}
