import JSON

/// What clocks show in a place: seconds to add to UTC, by moment.
package struct LocalZone: Sendable {
    private struct Change {
        var at: Int
        var offset: Int
    }

    private var changes: [Change] = []
    /// Before the first change.
    private var first = 0
    /// After the last.
    private var later: YearlyChanges?

    package static let utc = LocalZone()

    private init() {}

    /// A file of the zone database (RFC 9636), version 2 or later. Nil for what is none, and for
    /// one whose years to come are described in a form that is not read here.
    package init?(_ file: [UInt8]) {
        guard let old = Block(file, at: 0, timeBytes: 4), old.version >= UInt8(ascii: "2"),
            let block = Block(file, at: old.end, timeBytes: 8), !block.offsets.isEmpty
        else { return nil }
        first = block.offsets[0]
        for (at, kind) in zip(block.times, block.kinds) {
            guard kind < block.offsets.count else { return nil }
            changes.append(Change(at: at, offset: block.offsets[kind]))
        }
        let footer = file[block.end...].split(
            separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: true)
        guard let rule = footer.first.map({ String(decoding: $0, as: UTF8.self) }) else {
            return
        }
        guard let later = YearlyChanges(rule) else { return nil }
        self.later = later
    }

    /// To add to UTC at this moment, in seconds.
    package func offset(at moment: Int) -> Int {
        if let later, changes.last.map({ $0.at <= moment }) ?? true {
            return later.offset(at: moment)
        }
        return changes.last { $0.at <= moment }?.offset ?? first
    }

    /// One of the two blocks of such a file.
    private struct Block {
        let version: UInt8
        let times: [Int]
        let kinds: [Int]
        let offsets: [Int]
        let end: Int

        init?(_ file: [UInt8], at start: Int, timeBytes: Int) {
            guard file.count >= start + 44, file[start..<start + 4].elementsEqual("TZif".utf8)
            else { return nil }
            func number(_ at: Int, _ bytes: Int) -> Int {
                var value = file[at] & 0x80 == 0 ? 0 : -1
                for byte in file[at..<at + bytes] { value = value << 8 | Int(byte) }
                return value
            }
            version = file[start + 4]
            let counts = (0..<6).map { number(start + 20 + 4 * $0, 4) }
            guard counts.allSatisfy({ (0...10_000).contains($0) }) else { return nil }
            let (timeCount, kindCount) = (counts[3], counts[4])
            let body = start + 44
            let kindsAt = body + timeCount * timeBytes
            let offsetsAt = kindsAt + timeCount
            end =
                offsetsAt + kindCount * 6 + counts[5] + counts[2] * (timeBytes + 4) + counts[1]
                + counts[0]
            guard file.count >= end else { return nil }
            times = (0..<timeCount).map { number(body + $0 * timeBytes, timeBytes) }
            kinds = (0..<timeCount).map { Int(file[kindsAt + $0]) }
            offsets = (0..<kindCount).map { number(offsetsAt + $0 * 6, 4) }
        }
    }
}

/// The calendar without a zone.
package enum Calendar {
    package static let day = 86_400

    /// Days since 1970-01-01 of a date (proleptic Gregorian).
    package static func days(year: Int, month: Int, day: Int) -> Int {
        // Years begin in March, so that the day of a leap year is their last.
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let ofEra = year - era * 400
        let ofYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
    }

    static func year(ofDay days: Int) -> Int {
        var year = 1970 + days / 366
        while self.days(year: year + 1, month: 1, day: 1) <= days { year += 1 }
        return year
    }

    /// 0 is Sunday.
    package static func weekday(ofDay days: Int) -> Int { ((days + 4) % 7 + 7) % 7 }
}

/// `CET-1CEST,M3.5.0,M10.5.0/3`: how a zone goes on for ever (POSIX, RFC 9636 section 3.3).
struct YearlyChanges {
    private struct Moment {
        var month: Int
        var week: Int
        var weekday: Int
        var second: Int

        /// In local time, as seconds since 1970.
        func second(in year: Int) -> Int {
            let first = Calendar.days(year: year, month: month, day: 1)
            var day = first + (weekday - Calendar.weekday(ofDay: first) + 7) % 7 + 7 * (week - 1)
            let next =
                month == 12
                ? Calendar.days(year: year + 1, month: 1, day: 1)
                : Calendar.days(year: year, month: month + 1, day: 1)
            while day >= next { day -= 7 }
            return day * Calendar.day + second
        }
    }

    private var standard = 0
    private var summer: (offset: Int, begins: Moment, ends: Moment)?

    init?(_ text: String) {
        var parts = text.utf8.split(separator: UInt8(ascii: ","))[...]
        guard var names = parts.popFirst(), Self.dropName(&names),
            let standard = Self.time(&names)
        else { return nil }
        // POSIX counts what is to be added to local time.
        self.standard = -standard
        guard !names.isEmpty else {
            guard parts.isEmpty else { return nil }
            return
        }
        guard Self.dropName(&names) else { return nil }
        let offset = names.isEmpty ? self.standard + 3_600 : Self.time(&names).map { -$0 }
        guard let offset, names.isEmpty, parts.count == 2,
            let begins = Self.moment(parts[parts.startIndex]),
            let ends = Self.moment(parts[parts.startIndex + 1])
        else { return nil }
        summer = (offset, begins, ends)
    }

    func offset(at moment: Int) -> Int {
        guard let summer else { return standard }
        let year = Calendar.year(ofDay: (moment + standard) / Calendar.day)
        let begins = summer.begins.second(in: year) - standard
        let ends = summer.ends.second(in: year) - summer.offset
        let isSummer =
            begins < ends
            ? moment >= begins && moment < ends : moment >= begins || moment < ends
        return isSummer ? summer.offset : standard
    }

    private static func dropName(_ text: inout Substring.UTF8View) -> Bool {
        let count: Int
        if text.first == UInt8(ascii: "<") {
            guard let end = text.firstIndex(of: UInt8(ascii: ">")) else { return false }
            text = text[text.index(after: end)...]
            return true
        }
        count = text.prefix { (0x41...0x5A).contains($0 & 0xDF) }.count
        text = text.dropFirst(count)
        return count >= 3
    }

    /// `[+-]h[h][:mm[:ss]]`, in seconds.
    private static func time(_ text: inout Substring.UTF8View) -> Int? {
        var sign = 1
        if let first = text.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
            sign = first == UInt8(ascii: "-") ? -1 : 1
            text = text.dropFirst()
        }
        let digits = text.prefix { (0x30...0x3A).contains($0) }
        text = text.dropFirst(digits.count)
        let parts = digits.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            .map { Int(String(Substring($0))) }
        guard (1...3).contains(parts.count), !parts.contains(nil) else { return nil }
        return sign * zip(parts, [3_600, 60, 1]).reduce(0) { $0 + ($1.0 ?? 0) * $1.1 }
    }

    private static func moment(_ text: Substring.UTF8View) -> Moment? {
        guard text.first == UInt8(ascii: "M") else { return nil }
        let halves = text.dropFirst().split(separator: UInt8(ascii: "/"))
        let numbers = (halves.first ?? text).split(separator: UInt8(ascii: ".")).compactMap {
            Int(String(Substring($0)))
        }
        guard numbers.count == 3, (1...12).contains(numbers[0]), (1...5).contains(numbers[1]),
            (0...6).contains(numbers[2]), halves.count <= 2
        else { return nil }
        var second = 2 * 3_600
        if halves.count == 2 {
            var rest = halves[1]
            guard let given = time(&rest), rest.isEmpty else { return nil }
            second = given
        }
        return Moment(month: numbers[0], week: numbers[1], weekday: numbers[2], second: second)
    }
}
