/// Hours of some days of the week, as clocks show them in one zone.
package struct HourWindow: Sendable {
    /// Of the day; `end` may be smaller, then the window ends on the next day.
    package var startMinute: Int
    package var endMinute: Int
    /// The days on which it begins; 0 is Sunday.
    package var weekdays: Set<Int>
    package var zone: LocalZone

    package init(startMinute: Int, endMinute: Int, weekdays: Set<Int>, zone: LocalZone) {
        self.startMinute = startMinute
        self.endMinute = endMinute
        self.weekdays = weekdays
        self.zone = zone
    }

    /// `moment` in seconds since 1970.
    package func contains(_ moment: Int) -> Bool {
        let local = moment + zone.offset(at: moment)
        let day = (local - ((local % Calendar.day) + Calendar.day) % Calendar.day) / Calendar.day
        let minute = (local - day * Calendar.day) / 60
        let today = weekdays.contains(Calendar.weekday(ofDay: day))
        if startMinute < endMinute {
            return today && minute >= startMinute && minute < endMinute
        }
        let yesterday = weekdays.contains(Calendar.weekday(ofDay: day - 1))
        return today && minute >= startMinute || yesterday && minute < endMinute
    }
}
