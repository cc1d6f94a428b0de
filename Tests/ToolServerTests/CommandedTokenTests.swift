import Enforcement
import JSON
import Synchronization
import TestSupport
import Testing

@testable import ToolServer

@Suite struct CommandedTokenTests {
    /// Answers in order; the last one again and again.
    final class Command: Sendable {
        private let answers: Mutex<[Credential]>
        let runs = Mutex(0)
        init(_ answers: Credential...) { self.answers = Mutex(answers) }

        func run() -> Credential {
            runs.withLock { $0 += 1 }
            return answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
        }

        var runCount: Int { runs.withLock { $0 } }
    }

    let clock = ManualClock()

    private func token(_ name: String, seconds: Int?) -> Credential {
        var claims = JSONObject(distinct: [("sub", .string(name))])
        claims["exp"] = seconds.map { .number(JSONNumber(clock.now + $0)) }
        return .bearer("e30.\(Base64URL.encode(JSONValue.object(claims).bytes)).c2ln")
    }

    private func source(_ command: Command) -> CommandedToken {
        CommandedToken(now: { [clock] in clock.now }, run: { command.run() })
    }

    private func subject(_ credential: Credential) -> String? {
        guard case .bearer(let token, _) = credential else { return nil }
        let payload = Base64URL.decode(String(token.split(separator: ".")[1])) ?? []
        return (try? JSONParser.parse(payload))?["sub"]?.string
    }

    /// A renewal runs beside the calls, so the next call may still come before it is over.
    private func renewed(_ source: CommandedToken, to name: String) async -> Bool {
        for _ in 0..<10_000 {
            if subject(await source.credential()) == name { return true }
            await Task.yield()
        }
        return false
    }

    @Test func aTokenServesUntilShortlyBeforeItsEnd() async {
        let command = Command(token("one", seconds: 600), token("two", seconds: 1_200))
        let source = source(command)
        for _ in 0..<3 { #expect(subject(await source.credential()) == "one") }
        clock.advance(by: 539)
        #expect(subject(await source.credential()) == "one")
        #expect(command.runCount == 1)
        clock.advance(by: 1)
        // Good still, so nobody waits for the next.
        #expect(subject(await source.credential()) == "one")
        #expect(await renewed(source, to: "two"))
        #expect(command.runCount == 2)
    }

    @Test func aTokenThatHasEndedIsWaitedFor() async {
        let command = Command(token("one", seconds: 60), token("two", seconds: 1_200))
        let source = source(command)
        #expect(subject(await source.credential()) == "one")
        clock.advance(by: 60)
        #expect(subject(await source.credential()) == "two")
    }

    @Test func aFailureLeavesTheTokenOfBeforeUntilItEnds() async {
        let command = Command(token("one", seconds: 600), .unreadable("no"))
        let source = source(command)
        #expect(subject(await source.credential()) == "one")
        clock.advance(by: 599)
        #expect(subject(await source.credential()) == "one")
        clock.advance(by: 1)
        guard case .unreadable = await source.credential() else {
            Issue.record("a token that has ended was shown")
            return
        }
    }

    @Test func aCommandThatFailsIsNotRunForEachMessage() async {
        let command = Command(.unreadable("no"))
        let source = source(command)
        for _ in 0..<10 { _ = await source.credential() }
        #expect(command.runCount == 1)
        clock.advance(by: 5)
        _ = await source.credential()
        #expect(command.runCount == 2)
    }

    @Test func aTokenThatDoesNotSayItsEndIsRenewedInTime() async {
        let command = Command(token("one", seconds: nil), token("two", seconds: nil))
        let source = source(command)
        #expect(subject(await source.credential()) == "one")
        clock.advance(by: 299)
        #expect(subject(await source.credential()) == "one")
        #expect(command.runCount == 1)
        clock.advance(by: 1)
        #expect(await renewed(source, to: "two"))
    }

    @Test func aCommandIsWhatTheShellMakesOfIt() {
        guard case .bearer(let token, _) = LocalCredential.output(of: "echo a.b | tr b c") else {
            Issue.record("no token")
            return
        }
        #expect(token == "a.c")
        for command in ["exit 1", "true", "no-such-command-here"] {
            guard case .unreadable(let reason) = LocalCredential.output(of: command) else {
                Issue.record("\(command) gave a token")
                return
            }
            #expect(reason.contains("TOOLSERVER_TOKEN_COMMAND"))
        }
    }
}
