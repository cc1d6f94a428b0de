import Enforcement
import JSON

/// How the document wants to be shown a credential → a reference to where it is found.
struct OpenAPIAuth {
    let document: OpenAPISource
    let backend: Name

    private var variable: String {
        let name = backend.text.uppercased().utf8.map { byte in
            byte == UInt8(ascii: "-") ? UInt8(ascii: "_") : byte
        }
        return String(decoding: name, as: UTF8.self)
    }

    /// nil where none is wanted, or none that a backend can send.
    func manifest(_ notes: inout [String]) -> JSONValue? {
        let schemes = document.root["components"]?["securitySchemes"]?.object?.members ?? []
        let wanted = document.root["security"]?.array?.flatMap {
            $0.object?.members.map(\.name) ?? []
        }
        let ordered = (wanted ?? []).compactMap { name in
            schemes.first { $0.name.isByteEqual(to: name) }
        }
        for scheme in ordered + schemes {
            if let auth = auth(document.resolved(scheme.value), &notes) { return auth }
        }
        if let first = schemes.first {
            notes.append(
                "authentication: left out, no backend sends `\(first.name)`; see `auth` of the backend"
            )
        }
        return nil
    }

    private func auth(_ scheme: JSONValue, _ notes: inout [String]) -> JSONValue? {
        func secret(_ what: String) -> JSONValue { ["env": .string("\(variable)_\(what)")] }
        switch scheme["type"]?.string.map({ Name($0) }) {
        case "http":
            if scheme["scheme"]?.string?.lowercased() == "basic" {
                notes.append("authentication: write the user's name in the backend's `auth`")
                return ["basic": ["user": .string(backend.text), "password": secret("PASSWORD")]]
            }
            return scheme["scheme"]?.string?.lowercased() == "bearer"
                ? ["bearer": secret("TOKEN")] : nil
        case "apiKey":
            guard scheme["in"]?.string == "header", let name = scheme["name"]?.string,
                !HTTPToolManifest.framingHeaders.contains(Name(name.lowercased()))
            else { return nil }
            return ["header": ["name": .string(name), "value": secret("KEY")]]
        case "oauth2":
            let flow = scheme["flows"]?["clientCredentials"]
            guard let url = flow?["tokenUrl"]?.string, url.hasPrefix("https://") else {
                notes.append("authentication: OAuth by a person is left out; a token is expected")
                return ["bearer": secret("TOKEN")]
            }
            return [
                "oauth": [
                    "tokenURL": .string(url), "clientID": .string(backend.text),
                    "clientSecret": secret("CLIENT_SECRET"),
                ]
            ]
        case "openIdConnect": return ["bearer": secret("TOKEN")]
        default: return nil
        }
    }
}
