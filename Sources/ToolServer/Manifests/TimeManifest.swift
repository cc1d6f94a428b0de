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
            let hour = digits(parts[0]), let minute = digits(parts[1]), minute < 60,
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

    static func digits(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }

    static func moment(_ text: String) -> Int? {
        // RFC 3339, whole seconds.
        let form = "dddd-dd-ddTdd:dd:dd"
        guard text.utf8.count > form.utf8.count else { return nil }
        for (byte, place) in zip(text.utf8, form.utf8) {
            let isDigit = (0x30...0x39).contains(byte)
            guard place == UInt8(ascii: "d") ? isDigit : byte == place else { return nil }
        }
        func number(_ start: Int, _ count: Int) -> Int {
            Int(String(decoding: text.utf8.dropFirst(start).prefix(count), as: UTF8.self)) ?? 0
        }
        let (year, month, day) = (number(0, 4), number(5, 2), number(8, 2))
        let (hour, minute, second) = (number(11, 2), number(14, 2), number(17, 2))
        guard year >= 1970, (1...12).contains(month), (1...31).contains(day), hour < 24,
            minute < 60, second < 60,
            let offset = offset(text.utf8.dropFirst(form.utf8.count))
        else { return nil }
        let days = Calendar.days(year: year, month: month, day: day)
        // A day that the month does not have is another month's.
        guard month == 12 || days < Calendar.days(year: year, month: month + 1, day: 1) else {
            return nil
        }
        return days * Calendar.day + hour * 3_600 + minute * 60 + second - offset
    }

    private static func offset(_ text: Substring.UTF8View) -> Int? {
        if text.elementsEqual("Z".utf8) { return 0 }
        let sign = text.first == UInt8(ascii: "-") ? -1 : 1
        guard text.count == 6, text.first == UInt8(ascii: "+") || sign < 0 else { return nil }
        let parts = Substring(text.dropFirst()).split(separator: ":")
        guard parts.count == 2, let hours = digits(parts[0]),
            let minutes = digits(parts[1]), hours < 24, minutes < 60
        else { return nil }
        return sign * (hours * 3_600 + minutes * 60)
    }
}

extension Node {
    /// `2026-12-31T18:00:00Z`, `…+01:00`: seconds since 1970.
    func moment() -> Int? {
        guard let text = string() else { return nil }
        if let moment = TimeManifest.moment(text) { return moment }
        report("must be a moment such as \"2026-12-31T18:00:00Z\"")
        return nil
    }
}
