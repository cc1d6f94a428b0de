// With which words does a client find this server?
//
// Everything here is text for other programs: nothing is served, and the state directory is not
// touched. It must never write a credential: files name the command or the file that gives one.

import Enforcement
import Glibc
import JSON

/// One server as its clients are to know it.
struct Registration {
    enum Way { case stdio, http }

    /// The key under which clients list the server.
    let name: Name
    let way: Way
    /// As whom its clients call, where that is known here.
    let caller: Caller?
    let url: String
    private let executable: String
    private let manifests: String
    private let state: String?
    private let tokenFile: String?
    /// The issuer of the tokens that are minted here, where this server accepts them.
    private let minter: String?
    /// An issuer with which clients sign in by themselves.
    private let hasSignIn: Bool

    /// Claude Code drops tools whose whole name, `mcp__SERVER__TOOL`, is longer than 128; names of
    /// tools have 64 at most.
    static let nameBytesMax = 57

    init(_ arguments: Arguments, _ settings: ServerSettings) throws {
        name = Name(arguments["--name"] ?? settings.name.text)
        guard Self.isServerName(name.text) else {
            throw UsageError(
                "`\(name)` is no name for a server of Claude's clients; give --name NAME, 1 to \(Self.nameBytesMax) letters, digits, `_`, `-`"
            )
        }
        executable = try Self.executable()
        manifests = Startup.manifests(arguments)
        state = arguments["--state"].map(Startup.absolute)
        tokenFile = arguments["--token-file"].map(Startup.absolute)
        url = arguments["--url"] ?? settings.http.resource
        minter = settings.localIssuer?.rules.issuer
        hasSignIn = settings.issuers.contains(where: \.isSignIn)
        let local = Self.localCaller(settings)
        caller = try Self.named(arguments, settings) ?? local
        way = try Self.way(arguments, hasIdentity: tokenFile != nil || local != nil)
        if way == .stdio, tokenFile == nil, let local, let caller, !caller.isSamePerson(as: local) {
            StandardStream.error.line(
                "note: over stdio calls are made as `\(local.subject)`, whom `localUsers` names, not as `\(caller.subject)`; --transport http makes them as `\(caller.subject)`"
            )
        }
    }

    private static func isServerName(_ text: String) -> Bool {
        (1...nameBytesMax).contains(text.utf8.count) && text.utf8.allSatisfy(isWordByte)
    }

    private static func way(
        _ arguments: Arguments, hasIdentity: Bool
    ) throws(UsageError) -> Way {
        switch arguments["--transport"].map({ Name($0) }) {
        case nil: hasIdentity ? .stdio : .http
        case "stdio": .stdio
        case "http": .http
        default: throw UsageError("--transport takes stdio or http")
        }
    }

    private static func named(
        _ arguments: Arguments, _ settings: ServerSettings
    ) throws(UsageError) -> Caller? {
        if arguments["--as"] != nil { return try SupposedCaller.read(arguments, settings) }
        if let other = SupposedCaller.options.first(where: { arguments[$0] != nil }) {
            throw UsageError("\(other) goes with --as SUBJECT")
        }
        return nil
    }

    /// Whom the server would take the user of this process for, over stdio.
    private static func localCaller(_ settings: ServerSettings) -> Caller? {
        guard let user = LocalCredential.loginName() else { return nil }
        return LocalUser.caller(user, among: settings.localUsers)
    }

    private static func executable() throws(CommandFailure) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0, count < buffer.count else {
            throw CommandFailure(
                "where this program is cannot be found: \(SystemText.error(errno))")
        }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// The entry under `mcpServers`.
extension Registration {
    /// As Claude Code reads it, and the Agent SDK. `isTyped` false leaves out what Claude Desktop
    /// does not know.
    func entry(isTyped: Bool = true) throws(CommandFailure) -> JSONValue {
        switch way {
        case .stdio: try stdioEntry(isTyped: isTyped)
        case .http: try httpEntry()
        }
    }

    private func stdioEntry(isTyped: Bool) throws(CommandFailure) -> JSONValue {
        guard tokenFile != nil || caller != nil else {
            throw CommandFailure(
                "over stdio nobody would be identified: list this user under `localUsers` in server.json, or give --token-file FILE"
            )
        }
        var entry = JSONObject()
        if isTyped { entry["type"] = "stdio" }
        entry["command"] = .string(executable)
        entry["args"] = .array((["stdio"] + places).map { .string($0) })
        if let tokenFile {
            entry["env"] = .object(
                JSONObject(distinct: [(LocalCredential.tokenFileVariable, .string(tokenFile))]))
        }
        return .object(entry)
    }

    /// A token that is minted here comes fresh from a command; where clients sign in with an issuer
    /// of their own, they need none.
    private func httpEntry() throws(CommandFailure) -> JSONValue {
        var entry = JSONObject(distinct: [("type", "http"), ("url", .string(url))])
        if let caller, isMinted(for: caller) {
            entry["headersHelper"] = .string(tokenCommand(for: caller))
        } else if !hasSignIn {
            throw CommandFailure(
                minter != nil
                    ? "over HTTP it must be known who calls: give --as SUBJECT --groups A,B"
                    : "server.json lists no `issuers`, so nobody would be identified over HTTP; add {\"issuer\": \"local\"}"
            )
        }
        return .object(entry)
    }

    /// An installation's own users are those whom its tokens name.
    private func isMinted(for caller: Caller) -> Bool {
        guard let minter else { return false }
        return [minter, IdentitySources.localUser].contains { $0.isByteEqual(to: caller.issuer) }
    }

    private func tokenCommand(for caller: Caller) -> String {
        let groups = caller.groups.map(\.text).joined(separator: ",")
        let words = [executable, "token", "--headers", "--as", caller.subject]
        let asWhom = groups.utf8.isEmpty ? words : words + ["--groups", groups]
        return (asWhom + places).map(Self.quotedForShell).joined(separator: " ")
    }

    private var places: [String] {
        ["--manifests", manifests] + (state.map { ["--state", $0] } ?? [])
    }

    /// Claude Code hands the command to a shell.
    private static func quotedForShell(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { isWordByte($0) || "/.,:@+=".utf8.contains($0) }
        if isPlain, !word.utf8.isEmpty { return word }
        let parts = word.split(separator: "'", omittingEmptySubsequences: false)
        return "'" + parts.joined(separator: #"'\''"#) + "'"
    }
}

extension Caller {
    fileprivate func isSamePerson(as other: Caller) -> Bool {
        subject.isByteEqual(to: other.subject)
    }
}
