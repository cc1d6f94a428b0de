import Enforcement
import JSON

/// Moments and hours as manifests write them.
enum TimeManifest {
    static let hoursKeys = KeySet(required: ["between"], optional: ["days", "zone"])
    static let days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
    private static let zones = "/usr/share/zoneinfo"

    /// `{"between": "08:00-18:00", "days": ["mon", "fri"], "zone": "Europe/Berlin"}`.
    static func hours(_ node: Node) -> HourWindow? {
        guard let object = node.object(hoursKeys) else { return nil }
        let window = object["between"].flatMap { between($0) }
        let days = object["days"].map { weekdays($0) } ?? Set(0..<7)
        let zone = object["zone"].map { self.zone($0) } ?? LocalZone.utc
        guard let window, let days, let zone else { return nil }
        return HourWindow(
            startMinute: window.start, endMinute: window.end, weekdays: days, zone: zone)
    }

    private static func between(_ node: Node) -> (start: Int, end: Int)? {
        guard let text = node.string() else { return nil }
        let minutes = text.split(separator: "-", omittingEmptySubsequences: false).map {
            minute($0)
        }
        guard minutes.count == 2, let start = minutes[0], let end = minutes[1], start != end,
            start < 24 * 60
        else {
            node.report("must be two times of a day such as \"08:00-18:00\"")
            return nil
        }
        return (start, end)
    }

    private static func minute(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }),
            let hour = WallClock.digits(parts[0]), let minute = WallClock.digits(parts[1]),
            minute < 60,
            hour * 60 + minute <= 24 * 60
        else { return nil }
        return hour * 60 + minute
    }

    private static func weekdays(_ node: Node) -> Set<Int>? {
        guard let elements = node.someElements() else { return nil }
        let places = elements.compactMap { element in
            element.choice(among: days).flatMap { word in
                days.firstIndex { $0.isByteEqual(to: word) }
            }
        }
        return places.count == elements.count ? Set(places) : nil
    }

    static func zone(_ node: Node) -> LocalZone? {
        guard let name = node.name(also: "/+", atMost: 64) else { return nil }
        if name == "UTC" { return .utc }
        guard case .success(let bytes) = FileBytes.read("\(zones)/\(name.text)") else {
            node.report(
                "no time zone \(quoted(name.text)) below \(zones); names are such as \"Europe/Berlin\""
            )
            return nil
        }
        guard let zone = LocalZone(bytes) else {
            node.report("the time zone \(quoted(name.text)) has rules that are not read here")
            return nil
        }
        return zone
    }
}

extension Node {
    /// `2026-12-31T18:00:00Z`, `…+01:00`: seconds since 1970.
    func moment() -> Int? {
        guard let text = string() else { return nil }
        if let moment = WallClock.moment(text) { return moment }
        report("must be a moment such as \"2026-12-31T18:00:00Z\"")
        return nil
    }
}
