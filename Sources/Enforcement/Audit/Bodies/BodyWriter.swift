import Glibc

/// Makes the answers of a batch durable before the lines that tell of them. Belongs to the
/// recorder's writing thread.
///
/// One file a day, start and lifetime. A file that refused a write or a sync is never touched
/// again, nor is one into which somebody else wrote; the next answer begins another.
final class BodyWriter {
    private struct OpenFile {
        let key: BodyKey
        let number: Int
        let descriptor: Int32
        let named: NamedFile
        var end: Int

        var name: String { "\(key.id.text).\(number)" }
    }

    private let directory: String
    private let keys: String
    private let disk: RecorderDisk
    private let now: () -> Int
    /// By the days that its answers are kept.
    private var files: [Int: OpenFile] = [:]
    /// Of the file that could not be written.
    private var failed: Int?

    /// A file that has reached this is followed by another.
    private static let fileBytes = 1 << 30
    private static let numberMax = 999_999

    /// `log` is the folder of the record. `now` is the wall clock in seconds.
    init(
        log: String, keys: String, disk: RecorderDisk,
        now: @escaping () -> Int = { Int(RecorderBell.now(CLOCK_REALTIME) / 1_000_000_000) }
    ) {
        directory = BodyFiles.directory(of: log)
        self.keys = keys
        self.disk = disk
        self.now = now
    }

    deinit { for file in files.values { close(file.descriptor) } }

    /// For each what the line of its call says of it. Empty where there is none to keep.
    func write(_ answers: [AnswerBody?]) throws(RecordError) -> [BodyNote?] {
        let lifetimes = Set(answers.compactMap { $0?.bytes == nil ? nil : $0?.days })
        guard !lifetimes.isEmpty else { return [] }
        var notes = [BodyNote?](repeating: nil, count: answers.count)
        for days in lifetimes.sorted() {
            do throws(RecordError) { try write(answers, of: days, into: &notes) } catch {
                drop(days)
                failed = days
                throw error
            }
        }
        return notes
    }

    /// One attempt to go on after a failure: another file, with its first line on disk.
    func restart() -> Result<Void, RecordError> {
        guard let days = failed else { return .success(()) }
        do throws(RecordError) {
            files[days] = try begin(days, now() / Calendar.day)
            failed = nil
            return .success(())
        } catch { return .failure(error) }
    }

    private func write(
        _ answers: [AnswerBody?], of days: Int, into notes: inout [BodyNote?]
    ) throws(RecordError) {
        var file = try current(days)
        var bytes: [UInt8] = []
        for (place, answer) in answers.enumerated() {
            guard let answer, answer.days == days, let plain = answer.bytes else { continue }
            let offset = file.end + bytes.count
            let sealed: [UInt8]
            do throws(CryptoError) {
                sealed = try BodySeal.seal(
                    plain, of: answer.call, by: file.key, in: file.name, at: offset)
            } catch { throw .unavailable("an answer cannot be encrypted") }
            bytes += sealed
            notes[place] = BodyNote(
                key: file.key.id, number: file.number, offset: offset, length: sealed.count,
                digest: SHA256.digest(sealed).hex)
        }
        try disk.put(bytes, file.descriptor, at: file.end)
        file.end += bytes.count
        files[days] = file
    }

    private func current(_ days: Int) throws(RecordError) -> OpenFile {
        let today = now() / Calendar.day
        if let file = files[days] {
            if let change = try file.named.change(from: file.end) {
                throw .unavailable(change.text)
            }
            // What retention destroys, or somebody else takes away, encrypts nothing more.
            if file.key.id.day == today, file.end < Self.fileBytes,
                unsafe access(BodyKey.path(file.key.id, .key, in: keys), F_OK) == 0
            {
                return file
            }
            drop(days)
        }
        return try begin(days, today)
    }

    private func begin(_ days: Int, _ today: Int) throws(RecordError) -> OpenFile {
        try prepareDirectory()
        let key = try BodyKey.current(day: today, days: days, in: keys)
        let last = try BodyFiles.numbers(of: key.id, in: directory).max() ?? 0
        guard last < Self.numberMax else { throw .unavailable("too many files of bodies a day") }
        let path = "\(directory)/\(key.id.text).\(last + 1)"
        let descriptor = disk.create(path)
        guard descriptor >= 0 else {
            throw .unavailable("create \(path): errno \(-descriptor)")
        }
        do throws(RecordError) {
            let head = Array("toolserver bodies 1 \(key.id.text).\(last + 1)\n".utf8)
            try disk.put(head, descriptor, at: 0)
            try RecorderDisk.syncDirectory(directory)
            return OpenFile(
                key: key, number: last + 1, descriptor: descriptor,
                named: try NamedFile(path, descriptor), end: head.count)
        } catch {
            close(descriptor)
            unsafe unlink(path)
            throw error
        }
    }

    /// Through a symbolic link the answers would go wherever whoever may change it wants them.
    private func prepareDirectory() throws(RecordError) {
        try RecorderDisk.makeDirectory(directory, mode: 0o750)
        var status = stat()
        guard unsafe lstat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw .unavailable("\(directory) is not a directory")
        }
    }

    private func drop(_ days: Int) {
        if let file = files.removeValue(forKey: days) { close(file.descriptor) }
    }
}
