import Glibc
import JSON

/// A numeric address and a port, as `listen` names them.
struct Endpoint {
    let address: String
    let port: UInt16

    /// Reachable from this machine only.
    static let standard: Endpoint? = Endpoint(address: "127.0.0.1", port: 7070)

    var isLoopback: Bool {
        address.isByteEqual(to: "::1") || address.utf8.starts(with: "127.".utf8)
    }
}

extension Node {
    /// `127.0.0.1:7070` or `[::1]:7070`. Host names are refused: what a name resolves to may
    /// change, and with it who can reach the server.
    func endpoint() -> Endpoint? {
        guard let text = string() else { return nil }
        if let endpoint = parsedEndpoint(text) { return endpoint }
        report("must be ADDRESS:PORT with a numeric address, such as \"127.0.0.1:7070\"")
        return nil
    }

    /// An absolute http or https URL that a client can compare byte by byte (RFC 8707 section 2).
    func resourceURL() -> String? {
        guard let text = prose(atMost: 512) else { return nil }
        let isSecure = text.utf8.starts(with: "https://".utf8)
        guard isSecure || text.utf8.starts(with: "http://".utf8) else {
            report("must be an https:// or http:// URL")
            return nil
        }
        let rest = text.utf8.dropFirst(isSecure ? 8 : 7)
        let authority = rest.prefix { $0 != UInt8(ascii: "/") }
        let isPlain = rest.allSatisfy {
            $0 > 0x20 && $0 < 0x7F && !"@?#\\\"<>`{}".utf8.contains($0)
        }
        guard isPlain && !authority.isEmpty else {
            report("must have a host and no user, query or fragment")
            return nil
        }
        if !isSecure && !isLocal(String(decoding: authority, as: UTF8.self)) {
            findings.warning(
                "tokens for it would cross the network unencrypted; use https", at: place)
        }
        return text
    }
}

private func isLocal(_ authority: String) -> Bool {
    let host =
        authority.utf8.first == UInt8(ascii: "[")
        ? String(
            decoding: authority.utf8.dropFirst().prefix { $0 != UInt8(ascii: "]") }, as: UTF8.self)
        : String(decoding: authority.utf8.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self)
    return host.isByteEqual(to: "localhost") || Endpoint(address: host, port: 0).isLoopback
}

func parsedEndpoint(_ text: String) -> Endpoint? {
    guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else { return nil }
    let digits = text[text.index(after: colon)...]
    var host = text[..<colon]
    let isBracketed = host.utf8.first == UInt8(ascii: "[") && host.utf8.last == UInt8(ascii: "]")
    if isBracketed { host = host.dropFirst().dropLast() }
    let address = String(host)
    let isNumber = digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard isNumber, let port = UInt16(digits), port > 0,
        isNumericAddress(address, family: isBracketed ? AF_INET6 : AF_INET)
    else { return nil }
    return Endpoint(address: address, port: port)
}

private func isNumericAddress(_ text: String, family: Int32) -> Bool {
    guard !text.utf8.contains(0) else { return false }
    var parsed = in6_addr()
    return unsafe inet_pton(family, text, &parsed) == 1
}
