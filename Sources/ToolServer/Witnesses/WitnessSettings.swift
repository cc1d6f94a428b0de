package import Backends
package import Enforcement
package import JSON

/// A place that cosigns the record's checkpoints, as `server.json` declares it.
package struct WitnessSettings: Sendable {
    package var name: Name
    package var url: HTTPURL
    package var key: WitnessKey
    package var interval: Duration
    /// Networks that are not public and yet meant.
    package var networks: [NetworkRange]
    /// A file of authorities beside the system's.
    package var authorities: String?
}

/// Reads one element of `witnesses`.
struct WitnessManifest {
    static let keys = KeySet(
        required: ["witness", "url", "key"], optional: ["seconds", "networks", "ca"])
    static let countMax = 8

    static func read(_ node: Node, under directory: String) -> WitnessSettings? {
        guard let object = node.object(keys) else { return nil }
        let problems = node.findings.problemCount
        let name = object["witness"]?.name()
        let url = object["url"].flatMap { self.url($0) }
        let key = object["key"].flatMap { self.key($0) }
        let seconds = object["seconds"].map { $0.int(in: 1...86_400) } ?? 60
        let networks = object["networks"]?.someElements()?.compactMap { $0.network() } ?? []
        let authorities = object["ca"]?.path(under: directory)
        guard node.findings.problemCount == problems, let name, let url, let key, let seconds
        else { return nil }
        return WitnessSettings(
            name: name, url: url, key: key, interval: .seconds(seconds), networks: networks,
            authorities: authorities)
    }

    private static func url(_ node: Node) -> HTTPURL? {
        guard let url = StreamManifest.webhook(node) else { return nil }
        guard url.query == nil else {
            node.report("must have no query: `/add-checkpoint` is put behind it")
            return nil
        }
        return url
    }

    private static func key(_ node: Node) -> WitnessKey? {
        guard let text = node.prose(atMost: 512) else { return nil }
        guard let key = WitnessKey(text: text) else {
            node.report(
                "must be the witness's verifier key for cosignature/v1, NAME+HASH+KEY, as those who run it publish it"
            )
            return nil
        }
        return key
    }
}
