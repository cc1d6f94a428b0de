import EventLoop
import Foundation
import Synchronization

/// A real server of this machine's PostgreSQL, in a directory of its own, never as root. It ends
/// with the test process, however that ends.
final class PostgresServer: Sendable {
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    let directory: String
    let port: UInt16
    private let binaries: String

    /// The one that tests share which do not stop it.
    static let shared = Result { try PostgresServer() }

    static func make() async throws -> PostgresServer {
        try await PostgresFixture.patient.run { _ in Result { try PostgresServer() } }.get()
    }

    private init() throws {
        binaries = try Self.binaries()
        port = try Self.freePort()
        directory = NSTemporaryDirectory() + "toolserver-postgres-\(getpid())-\(port)"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        if geteuid() == 0 { try Self.run("chown postgres '\(directory)'") }
        try shell(
            "'\(binaries)/initdb' -D data -A trust -U owner --no-sync -E UTF8 --locale=C.UTF-8")
        try start()
        // Whatever becomes of us, the server does not stay. Ended is also what nobody has waited
        // for yet: who runs the tests may first wait for all that holds our output.
        let end = Self.command("'\(binaries)/pg_ctl' -D data -m immediate stop", in: directory)
        let isAlive = "grep -q '^State:.[^ZX]' /proc/\(getpid())/status"
        try Self.run(
            "(while \(isAlive); do sleep 1; done; \(end); rm -rf '\(directory)')"
                + " >/dev/null 2>&1 &")
    }

    func start() throws {
        let options =
            "-p \(port) -k '\(directory)' -c listen_addresses=127.0.0.1 -c fsync=off "
            + "-c max_connections=400 -c autovacuum=off"
        try shell("'\(binaries)/pg_ctl' -D data -l log -w -o \"\(options)\" start")
    }

    func stop(_ mode: String = "fast") throws {
        try shell("'\(binaries)/pg_ctl' -D data -w -m \(mode) stop")
    }

    func restart(_ mode: String = "fast") throws {
        try stop(mode)
        try start()
    }

    private func shell(_ command: String) throws {
        try Self.run(Self.command(command, in: directory) + " >>'\(directory)/shell.log' 2>&1")
    }

    /// As the user of the package where we are root: a server refuses to run as root.
    private static func command(_ command: String, in directory: String) -> String {
        let quoted = "cd '\(directory)' && \(command)".replacingOccurrences(of: "'", with: "'\\''")
        return geteuid() == 0 ? "su postgres -s /bin/sh -c '\(quoted)'" : "sh -c '\(quoted)'"
    }

    /// Not by Foundation's `Process`, which waits for everything that a command leaves running.
    private static func run(_ command: String) throws {
        guard system(command) == 0 else { throw Missing(description: "failed: \(command)") }
    }

    private static func binaries() throws -> String {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        for version in versions.sorted(by: { Int($0) ?? 0 > Int($1) ?? 0 }) {
            let path = "\(root)/\(version)/bin"
            if FileManager.default.fileExists(atPath: path + "/initdb") { return path }
        }
        throw Missing(description: "no PostgreSQL in \(root): apt-get install postgresql-15")
    }

    private static func freePort() throws -> UInt16 {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port: UInt16? = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard bind(socket, address, length) == 0,
                    getsockname(socket, address, &length) == 0
                else { return nil }
                return pointer.pointee.sin_port.bigEndian
            }
        }
        guard let port else { throw Missing(description: "no free port") }
        return port
    }
}
