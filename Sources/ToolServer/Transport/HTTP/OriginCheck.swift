import EventLoop
import JSON

/// Is this request meant for us, or was a browser lured into sending it?
///
/// A page can make a browser send requests to a local server under a name that it rebinds to
/// 127.0.0.1. Such a request carries the page's `Origin` and its `Host`: both must be ours.
struct OriginCheck: Sendable {
    private let hosts: Set<Name>

    /// `resource` is the URL under which clients know this server.
    init(port: UInt16, resource: String) {
        var hosts: Set<Name> = []
        for name in ["127.0.0.1", "localhost", "[::1]"] {
            hosts.insert(Name("\(name):\(port)"))
            if port == 80 || port == 443 { hosts.insert(Name(name)) }
        }
        if let host = Self.authority(of: resource) { hosts.insert(Name(host)) }
        self.hosts = hosts
    }

    func admits(_ request: HTTPRequest) -> Bool {
        guard let host = request.headers["host"], hosts.contains(Name(host.lowercased())) else {
            return false
        }
        guard let origin = request.headers["origin"] else { return true }
        return Self.authority(of: origin).map { hosts.contains(Name($0)) } ?? false
    }

    /// `host:port` of an http or https URL; nil for anything else, `null` too.
    private static func authority(of url: String) -> String? {
        for scheme in ["http://", "https://"] where url.utf8.starts(with: scheme.utf8) {
            let rest = url.utf8.dropFirst(scheme.utf8.count)
            let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
            return String(Substring(rest[..<end])).lowercased()
        }
        return nil
    }
}
