import Glibc

/// The names in a log's directory.
enum SegmentDirectory {
    /// Locked by the process that writes the log.
    static let lock = "lock"

    static func name(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 6 - digits.utf8.count)) + digits + ".jsonl"
    }

    /// The numbers of the segments, ascending. A hole in them is damage.
    static func segments(in directory: String) throws(RecordError) -> [Int] {
        var numbers: [Int] = []
        for entry in try entries(of: directory) {
            guard entry.utf8.count >= 12, entry.hasSuffix(".jsonl"),
                let number = Int(entry.dropLast(6)), number > 0, name(number) == entry
            else { continue }
            numbers.append(number)
        }
        numbers.sort()
        for (index, number) in numbers.enumerated() where number != index + 1 {
            throw .damaged(file: name(index + 1), line: 0, reason: "the segment is missing")
        }
        return numbers
    }

    static func entries(of directory: String) throws(RecordError) -> [String] {
        guard let stream = unsafe opendir(directory) else {
            throw .unavailable("open \(directory): errno \(errno)")
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { text in
                    unsafe String(cString: text)
                }
            }
            names.append(name)
            guard names.count <= 1_000_000 else { throw .unavailable("too many files") }
        }
        return names
    }
}
