import Glibc
import JSON

/// One file that a registration makes, or in which it has a part.
struct RegisteredFile {
    enum Content {
        /// The whole file is ours.
        case whole(String)
        /// One entry under `mcpServers`; everything else in the file is another's.
        case server(name: Name, entry: JSONValue)
    }

    let path: String
    let content: Content

    /// What the file would hold if it did not exist.
    var text: String {
        switch content {
        case .whole(let text): text
        case .server(let name, let entry): Self.document([(name.text, entry)])
        }
    }

    static func document(_ servers: [JSONObject.Member]) -> String {
        JSONValue.object(
            JSONObject(distinct: [("mcpServers", .object(JSONObject(distinct: servers)))])
        ).laidOut(indent: 2) + "\n"
    }

    /// What is out of date, in words that follow the path; empty when nothing is.
    func outdated() throws(CommandFailure) -> [String] {
        guard let old = try existing() else { return ["is missing"] }
        switch content {
        case .whole(let text): return old.isByteEqual(to: text) ? [] : ["differs"]
        case .server(let name, let entry):
            let document = try document(of: old)
            guard let known = document["mcpServers"]?[name.text] else {
                return ["has no server `\(name)`"]
            }
            return Self.differences(of: known, from: Self.merged(entry, into: known)).map {
                "`mcpServers.\(name).\($0)` differs"
            }
        }
    }

    /// True when something was changed.
    func write() throws(CommandFailure) -> Bool {
        guard try !outdated().isEmpty else { return false }
        let text = try updated()
        let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? ""
        if !folder.utf8.isEmpty { try Folders.make(folder) }
        switch FileBytes.replace(path, with: Array(text.utf8)) {
        case .success: return true
        case .failure(let fault):
            throw CommandFailure("cannot write \(path): \(SystemText.error(fault.code))")
        }
    }

    private func updated() throws(CommandFailure) -> String {
        guard case .server(let name, let entry) = content, let old = try existing() else {
            return text
        }
        var document = try document(of: old)
        var servers = document["mcpServers"]?.object ?? JSONObject()
        servers[name.text] = Self.merged(entry, into: servers[name.text])
        document["mcpServers"] = .object(servers)
        return JSONValue.object(document).laidOut(indent: 2) + "\n"
    }

    private func existing() throws(CommandFailure) -> String? {
        switch FileBytes.read(path) {
        case .success(let bytes):
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw CommandFailure("\(path) is not UTF-8; it is left as it is")
            }
            return text
        case .failure(let failure) where failure.isMissing: return nil
        case .failure(let failure): throw CommandFailure("\(path) \(failure.reason)")
        }
    }

    /// Another's file that cannot be read whole must not be written.
    private func document(of text: String) throws(CommandFailure) -> JSONObject {
        let parsed: JSONValue
        do throws(JSONError) { parsed = try JSONParser.parse(Array(text.utf8)) } catch {
            throw CommandFailure(
                "\(path) is not JSON at byte \(error.offset): \(error.message). It is left as it is."
            )
        }
        guard let document = parsed.object, document["mcpServers"].map({ $0.object != nil }) ?? true
        else {
            throw CommandFailure(
                "\(path) is not a client's list of servers: `mcpServers` must be an object. It is left as it is."
            )
        }
        return document
    }

    /// What decides how the server is reached is ours; what else people have put there stays.
    private static let ours = ["type", "command", "args", "env", "url", "headersHelper"]

    private static func merged(_ entry: JSONValue, into known: JSONValue?) -> JSONValue {
        guard let known = known?.object, let entry = entry.object else { return entry }
        let others = known.members.filter { member in
            !ours.contains { $0.isByteEqual(to: member.name) } && entry[member.name] == nil
        }
        return .object(JSONObject(distinct: entry.members + others))
    }

    private static func differences(of known: JSONValue, from wanted: JSONValue) -> [String] {
        let names = (wanted.object?.members ?? []) + (known.object?.members ?? [])
        return Set(names.map { Name($0.name) }).sorted()
            .filter { known[$0.text] != wanted[$0.text] }.map(\.text)
    }
}

enum Folders {
    static func make(_ path: String) throws(CommandFailure) {
        var partial = path.utf8.first == UInt8(ascii: "/") ? "/" : ""
        for part in path.split(separator: "/") {
            partial += part
            if unsafe mkdir(partial, 0o755) != 0, errno != EEXIST {
                throw CommandFailure("cannot make \(partial): \(SystemText.error(errno))")
            }
            partial += "/"
        }
    }
}
