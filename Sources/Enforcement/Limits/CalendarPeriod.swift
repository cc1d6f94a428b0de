/// The days or months of a place.
package struct CalendarPeriod: Sendable {
    package enum Unit: String, Sendable, CaseIterable { case day, month }

    package let unit: Unit
    let zone: LocalZone
    package let zoneName: String

    package init(_ unit: Unit, zone: LocalZone = .utc, zoneName: String = "UTC") {
        self.unit = unit
        self.zone = zone
        self.zoneName = zoneName
    }

    /// The one that holds a moment, in seconds since 1970.
    func bounds(at moment: Int) -> Range<Int> {
        let local = moment + zone.offset(at: moment)
        let day = (local - ((local % Calendar.day) + Calendar.day) % Calendar.day) / Calendar.day
        let (first, next) = unit == .day ? (day, day + 1) : Self.month(ofDay: day)
        // A day that the clocks end early must still be over some time.
        return start(ofDay: first)..<max(start(ofDay: next), moment + 1)
    }

    private static func month(ofDay day: Int) -> (first: Int, next: Int) {
        let year = Calendar.year(ofDay: day)
        let starts =
            (1...12).map { Calendar.days(year: year, month: $0, day: 1) }
            + [Calendar.days(year: year + 1, month: 1, day: 1)]
        let place = starts.lastIndex { $0 <= day } ?? 0
        return (starts[place], starts[min(place + 1, starts.count - 1)])
    }

    /// Where the clocks jump over midnight, the moment after.
    private func start(ofDay day: Int) -> Int {
        let midnight = day * Calendar.day
        return midnight - zone.offset(at: midnight - zone.offset(at: midnight))
    }
}
