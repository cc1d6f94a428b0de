import JSON

/// One token within an hour from several addresses, or by several clients: a copy is in use.
struct PlacesDetector: RiskDetector {
    private let token: Name
    private var episode = RiskEpisode(.places)
    private var recent = RecentCalls(span: Microseconds.hour, limit: 1_000)
    private var addresses = Tally<Name>()
    private var clients = Tally<Name>()
    private var lastAddress: Name?
    /// How often it came back to an address: who moves on does not.
    private var returns = 0

    init(of token: Name) { self.token = token }

    mutating func take(_ call: WatchedCall) -> [RiskFinding] {
        for gone in recent.add(call) {
            if let address = gone.address { addresses.remove(address) }
            if let client = gone.client { clients.remove(client) }
        }
        if let address = call.address {
            if let lastAddress, lastAddress != address, addresses.counts[address] != nil {
                returns += 1
            }
            lastAddress = address
            addresses.add(address)
        }
        if let client = call.client { clients.add(client) }
        guard addresses.distinct > 1 || clients.distinct > 1 else {
            returns = 0
            return episode.end()
        }
        let (places, programs) = (addresses.distinct, clients.distinct)
        let returns = returns
        var score = 30
        if places > 1 { score += 10 + min(25, 5 * (places - 2)) }
        if returns > 0 { score += 25 }
        if programs > 1 { score += 25 }
        let (from, with, token) = (addresses, clients, token)
        episode.goOn(with: call, after: recent.calls, score: score) {
            var words: [String] = []
            if places > 1 { words.append("came from \(places) addresses (\(Self.names(from)))") }
            if returns > 0 { words.append("went back and forth \(returns) times") }
            if programs > 1 {
                words.append("was used by \(programs) clients (\(Self.names(with)))")
            }
            return "within an hour the token \(token) \(words.joined(separator: ", "))"
        }
        return []
    }

    mutating func end() -> [RiskFinding] { episode.end() }

    private static func names(_ tally: Tally<Name>) -> String {
        let names = tally.counts.keys.sorted()
        let shown = names.prefix(5).map(\.text).joined(separator: ", ")
        return names.count > 5 ? shown + ", …" : shown
    }
}
