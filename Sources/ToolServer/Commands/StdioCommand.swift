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
        server.listen(on: group.next())
        let transport = StdioTransport(
            current: server.current, loop: group.next(), credential: LocalCredential.read,
            hasLeft: lifetime.finish)
        return lifetime.run(on: group.next()) {
            do throws(Refusal) {
                _ = try await server.current.value.gate.identify(LocalCredential.read(), at: "")
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

/// Whose process this is: a token from the environment or a file, else the login name.
enum LocalCredential {
    static let tokenVariable = "TOOLSERVER_TOKEN"
    static let tokenFileVariable = "TOOLSERVER_TOKEN_FILE"

    /// The file is read anew each time, so that whoever renews the token need not restart us.
    static func read() -> Credential {
        if let token = variable(tokenVariable) { return .bearer(token) }
        if let path = variable(tokenFileVariable) {
            switch FileBytes.read(path) {
            case .success(let bytes):
                let text = String(decoding: bytes, as: UTF8.self)
                return .bearer(String(text.filter { !$0.isWhitespace }))
            case .failure(let failure):
                return .unreadable("\(tokenFileVariable) \(path) \(failure.reason)")
            }
        }
        return loginName().map { .localUser($0) } ?? .none
    }

    static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.utf8.isEmpty ? nil : text
    }

    static func loginName() -> String? {
        var entry = unsafe passwd()
        var buffer = [CChar](repeating: 0, count: 16 * 1024)
        var found: UnsafeMutablePointer<passwd>?
        guard unsafe getpwuid_r(getuid(), &entry, &buffer, buffer.count, &found) == 0,
            unsafe found != nil, let name = unsafe entry.pw_name
        else { return nil }
        return unsafe String(cString: name)
    }
}
