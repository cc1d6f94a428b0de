import Glibc

/// The key of the answers of one day that are kept equally long. Each answer is encrypted with a
/// key of its own, derived from this one, so that to destroy this one ends them all, and one of
/// them can outlive it where it is held.
///
/// A file of 32 bytes in the keys directory of its log: `body-ID.key`, and `body-ID.end` once it is
/// to be destroyed, when nothing is encrypted with it any more. `body-ID.held` keeps the keys of
/// single answers that are held.
package struct BodyKey: Sendable {
    /// `20261127-30-9f86d081884c7d65`: the day, for how many days, the start of the key's digest.
    /// So another key never has the same name, nor does a torn file pass for one.
    package struct ID: Sendable, Hashable {
        /// Since 1970.
        package let day: Int
        package let days: Int
        let check: UInt64

        package var text: String {
            let digits = String(check, radix: 16)
            let zeros = String(repeating: "0", count: 16 - digits.utf8.count)
            return "\(Self.text(ofDay: day))-\(days)-\(zeros)\(digits)"
        }

        /// Nil for anything but exactly what `text` gives.
        package init?(_ text: some StringProtocol) {
            let parts = text.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0].utf8.count == 8, parts[2].utf8.count == 16,
                let days = Int(parts[1]), (1...Self.daysMost).contains(days),
                let check = UInt64(parts[2], radix: 16)
            else { return nil }
            let date = Array(parts[0].utf8)
            let dashed = [date[..<4], date[4..<6], date[6...]].map {
                String(decoding: $0, as: UTF8.self)
            }
            guard date.allSatisfy({ (0x30...0x39).contains($0) }),
                let at = RecordTime.microseconds(
                    dashed.joined(separator: "-") + "T00:00:00.000000Z")
            else { return nil }
            self.init(day: at / 1_000_000 / Calendar.day, days: days, check: check)
            guard self.text.utf8.elementsEqual(text.utf8) else { return nil }
        }

        init(day: Int, days: Int, check: UInt64) {
            self.day = day
            self.days = days
            self.check = check
        }

        package static let daysMost = 36_500

        /// `20261127`.
        private static func text(ofDay day: Int) -> String {
            var clock = SegmentClock()
            let text = clock.text(seconds: day * Calendar.day, nanoseconds: 0).prefix(10)
            return String(decoding: text.filter { $0 != UInt8(ascii: "-") }, as: UTF8.self)
        }

        /// In seconds since 1970: the end of the day and as many more as were promised.
        package func ends(daysMost: Int) -> Int { (day + 1 + min(days, daysMost)) * Calendar.day }
    }

    enum State: String, CaseIterable { case key, end, held }

    package let id: ID
    private let secret: HMACKey
    private let bytes: [UInt8]

    private static let byteCount = 32

    private init(_ bytes: [UInt8], day: Int, days: Int) {
        let digest = SHA256.digest(Array("toolserver body key".utf8) + [0] + bytes).bytes
        let check = digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        id = ID(day: day, days: days, check: check)
        secret = HMACKey(bytes)
        self.bytes = bytes
    }

    /// Of one answer, by the random bytes in front of it.
    func derived(_ salt: ArraySlice<UInt8>) -> Digest32 {
        secret.authenticate(Array("toolserver body".utf8) + [0] + salt)
    }

    // MARK: Files

    static func path(_ id: ID, _ state: State, in directory: String) -> String {
        "\(directory)/body-\(id.text).\(state.rawValue)"
    }

    /// The key of the day, made and durable if there is none that is still in use.
    static func current(day: Int, days: Int, in directory: String) throws(RecordError) -> BodyKey {
        for (id, state) in try all(in: directory)
        where state == .key && id.day == day && id.days == days {
            // A torn one, or one that cannot be read, is followed by another.
            if let key = try? read(id, .key, in: directory) { return key }
        }
        let key: BodyKey
        do throws(CryptoError) {
            key = BodyKey(try randomBytes(byteCount), day: day, days: days)
        } catch { throw .unavailable("a key cannot be made") }
        try RecorderDisk.writeWhole(path(key.id, .key, in: directory), key.bytes, mode: 0o600)
        try RecorderDisk.syncDirectory(directory)
        return key
    }

    /// Nil where it is not there, or overwritten by who erases it.
    static func read(
        _ id: ID, _ state: State, in directory: String
    ) throws(RecordError) -> BodyKey? {
        let path = path(id, state, in: directory)
        guard let bytes = try RecorderDisk.readIfThere(path, limit: 64),
            bytes.isEmpty || bytes.contains(where: { $0 != 0 })
        else { return nil }
        let key = BodyKey(bytes, day: id.day, days: id.days)
        guard bytes.count == byteCount, key.id == id else {
            throw .damaged(file: path, line: 0, reason: "not the key of that name")
        }
        return key
    }

    /// Whether it is being destroyed or not. Nil for who cannot read it.
    static func read(_ id: ID, in directory: String) -> BodyKey? {
        (try? read(id, .key, in: directory)) ?? (try? read(id, .end, in: directory))
    }

    static func all(in directory: String) throws(RecordError) -> [(id: ID, state: State)] {
        try SegmentDirectory.entries(of: directory).compactMap { name in
            guard name.utf8.starts(with: "body-".utf8) else { return nil }
            let parts = name.dropFirst(5).split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 2, let id = ID(parts[0]),
                let state = State(rawValue: String(parts[1]))
            else { return nil }
            return (id, state)
        }
    }
}
