import Enforcement
import EventLoop
import Glibc

/// `toolserver stdio`: one client over standard input and output.
enum StdioCommand {
    static func run(_ words: some Sequence<String>) throws -> ExitCode {
        let arguments = try Arguments(words, options: ["--manifests", "--state"])
        let lifetime = Lifetime()
        try lifetime.awaitSignals()
        let group = try EventLoopGroup(count: 1)
        let server = try Server(arguments, loops: group.loops)
        try group.start()
        let commanded = LocalCredential.command.map { CommandedToken($0, server.workers) }
        let credential: @Sendable () async -> Credential = {
            if let commanded { return await commanded.credential() }
            return LocalCredential.read()
        }
        let transport = StdioTransport(
            current: server.current, loop: group.next(), credential: credential,
            hasLeft: lifetime.finish)
        return lifetime.run(on: group.next()) {
            do throws(Refusal) {
                _ = try await server.current.value.gate.identify(await credential(), at: "")
            } catch { throw CommandFailure(error.told) }
            try await server.recordStart("stdio")
            Task(executorPreference: group.next()) {
                await transport.untilLeft()
                lifetime.finish()
            }
            await lifetime.untilStopped(reload: { await server.reload() })
            let deadline = MonotonicTime.now().advanced(by: StdioTransport.drainLimit)
            server.release()
            await transport.drain(until: deadline)
            await server.tasks.drain(until: deadline, on: group.next())
            await server.stop()
            return .done
        }
    }
}
