/// The keys of single answers that are held although the key of their day is destroyed:
/// `body-ID.held`, one line each with the file's number, the place in it and the key.
struct HeldBodies {
    struct Place: Hashable, Sendable {
        let number: Int
        let offset: Int

        init(_ note: BodyNote) { self.init(number: note.number, offset: note.offset) }

        init(number: Int, offset: Int) {
            self.number = number
            self.offset = offset
        }
    }

    var keys: [Place: Digest32] = [:]

    /// Of one key. With more than that, the day keeps its key whole.
    static let countMax = 10_000
    private static let bytesMax = 2 << 20

    init(_ keys: [Place: Digest32] = [:]) { self.keys = keys }

    /// Nil where there is no such file, or one that a crash left half erased.
    static func read(_ path: String) throws(RecordError) -> HeldBodies? {
        guard let bytes = try RecorderDisk.readIfThere(path, limit: bytesMax), !bytes.contains(0)
        else { return nil }
        var held = HeldBodies()
        for (index, line) in bytes.split(separator: 0x0A).enumerated() {
            let parts = line.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
            guard parts.count == 3, let number = Int(parts[0]), let offset = Int(parts[1]),
                let key = Hex.decode(parts[2]).flatMap({ Digest32($0) })
            else { throw .damaged(file: path, line: index + 1, reason: "not a key that is held") }
            held.keys[Place(number: number, offset: offset)] = key
        }
        guard bytes.count < bytesMax else {
            throw .damaged(file: path, line: 0, reason: "longer than it is ever written")
        }
        return held
    }

    /// Nil for who cannot read it.
    static func key(of note: BodyNote, in directory: String) -> Digest32? {
        let held = try? read(BodyKey.path(note.key, .held, in: directory))
        return held?.keys[Place(note)]
    }

    var bytes: [UInt8] {
        let sorted = keys.sorted { ($0.key.number, $0.key.offset) < ($1.key.number, $1.key.offset) }
        return sorted.flatMap { place, key in
            Array("\(place.number) \(place.offset) \(key.hex)\n".utf8)
        }
    }
}
