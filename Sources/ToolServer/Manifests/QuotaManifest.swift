import Enforcement
import JSON

/// Reads the `limit` of a rule: `{"calls": 100, "within": "1h", "per": "caller"}`.
enum QuotaManifest {
    static let keys = KeySet(
        required: [], optional: Quota.Measure.allCases.map(\.rawValue) + ["within", "per", "zone"])

    private static let countMax = 1_000_000_000

    static func read(_ node: Node) -> Quota? {
        guard let object = node.object(keys) else { return nil }
        let given = Quota.Measure.allCases.filter { object[$0.rawValue] != nil }
        guard given.count == 1, let measure = given.first, let amount = object[measure.rawValue]
        else {
            node.report(
                "must limit one of \(quoted(Quota.Measure.allCases.map(\.rawValue))); "
                    + "write a rule for each")
            return nil
        }
        let most = most(measure, amount)
        let shares = shares(object["per"])
        guard measure != .concurrent else {
            for key in ["within", "zone"] {
                object[key]?.report("has no meaning for `concurrent`; leave it out")
            }
            guard let most, let shares else { return nil }
            return Quota(measure, most: most, shares: shares)
        }
        guard let within = object["within"] else {
            node.report("missing key `within`: a time such as \"1h\", or \"day\" or \"month\"")
            return nil
        }
        guard let span = span(within, zone: object["zone"]), let most, let shares else {
            return nil
        }
        return Quota(measure, most: most, span: span, shares: shares)
    }

    private static func most(_ measure: Quota.Measure, _ node: Node) -> Int? {
        switch measure {
        case .bytes: node.byteCount(in: 1...1 << 40)
        case .concurrent: node.int(in: 1...1_000)
        default: node.int(in: 1...countMax)
        }
    }

    /// Sliding, or with the calendar of a zone.
    private static func span(_ node: Node, zone: Node?) -> UsageSpan? {
        let units = CalendarPeriod.Unit.allCases
        if case .string(let text) = node.value.content,
            let unit = units.first(where: { $0.rawValue.isByteEqual(to: text) })
        {
            guard let zone else { return .calendar(CalendarPeriod(unit)) }
            guard let read = TimeManifest.zone(zone), case .string(let name) = zone.value.content
            else { return nil }
            return .calendar(CalendarPeriod(unit, zone: read, zoneName: name))
        }
        zone?.report("is only for `within` \(quoted(units.map(\.rawValue))); leave it out")
        guard let duration = node.duration(in: .seconds(1)...(.seconds(31 * 86_400))) else {
            return nil
        }
        guard duration.components.attoseconds == 0 else {
            node.report("must be whole seconds")
            return nil
        }
        return .sliding(Int(duration.components.seconds))
    }

    /// `everyone` shares one count.
    private static func shares(_ node: Node?) -> [Quota.Share]? {
        guard let node else { return [.caller] }
        let words = Quota.Share.allCases.map(\.rawValue)
        if case .string(let text) = node.value.content {
            if text.isByteEqual(to: "everyone") { return [] }
            return node.choice(among: words + ["everyone"]).flatMap(Quota.Share.init).map { [$0] }
        }
        guard let elements = node.someElements() else { return nil }
        let shares = elements.compactMap { element in
            element.choice(among: words).flatMap(Quota.Share.init)
        }
        guard shares.count == elements.count else { return nil }
        return Quota.Share.allCases.filter { shares.contains($0) }
    }
}
