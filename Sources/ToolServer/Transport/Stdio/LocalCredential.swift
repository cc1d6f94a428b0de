import Backends
import Enforcement
import Glibc

/// Whose process this is: a token from the environment, a file or a command, else the login name.
enum LocalCredential {
    static let tokenVariable = "TOOLSERVER_TOKEN"
    static let tokenFileVariable = "TOOLSERVER_TOKEN_FILE"
    static let tokenCommandVariable = "TOOLSERVER_TOKEN_COMMAND"

    /// The file is read anew each time, so that whoever renews the token need not restart us.
    /// A command is run: only for commands that read it once.
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
        if let command = variable(tokenCommandVariable) { return output(of: command) }
        return loginName().map { .localUser($0) } ?? .none
    }

    /// nil where no command says it, or something that comes before it does.
    static var command: String? {
        guard variable(tokenVariable) == nil, variable(tokenFileVariable) == nil else { return nil }
        return variable(tokenCommandVariable)
    }

    /// What a shell makes of it. Blocks for ten seconds at most.
    static func output(of command: String) -> Credential {
        do throws(BackendError) {
            return .bearer(try Secret.command(["/bin/sh", "-c", command]).read())
        } catch {
            return .unreadable(
                "the command in \(tokenCommandVariable) failed, wrote nothing, or took longer than ten seconds"
            )
        }
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
