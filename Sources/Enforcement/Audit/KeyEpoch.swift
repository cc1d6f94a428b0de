import Glibc

/// The private keys of the record, one per start of the server.
///
/// A thief of today's key cannot sign yesterday: the key of an epoch signs its successor into the
/// log and is erased. The directory belongs to the server's user alone; between the birth of a key
/// and the durable line that introduces it there are two, and the log decides which one counts.
struct KeyEpoch: Sendable {
    let number: Int
    let privateKey: Ed25519PrivateKey
    let key: CheckpointKey

    private static func path(_ directory: String, _ number: Int) -> String {
        "\(directory)/epoch-\(number).pem"
    }

    /// Makes a key and has it on disk, its directory entry included.
    static func generate(_ number: Int, origin: String, in directory: String) throws(RecordError)
        -> KeyEpoch
    {
        do {
            let privateKey = try Ed25519PrivateKey.generate()
            let pem = Array(try privateKey.pem().utf8)
            try RecorderDisk.writeWhole(path(directory, number), pem, mode: 0o600)
            try RecorderDisk.syncDirectory(directory)
            let key = CheckpointKey(origin: origin, publicKey: privateKey.publicKey)
            return KeyEpoch(number: number, privateKey: privateKey, key: key)
        } catch let error as RecordError {
            throw error
        } catch {
            throw .unavailable("a key cannot be made")
        }
    }

    /// Nil when the key is not there or is not one.
    static func read(_ number: Int, origin: String, in directory: String) -> KeyEpoch? {
        guard let pem = try? RecorderDisk.readWhole(path(directory, number), limit: 4096),
            let privateKey = try? Ed25519PrivateKey(pem: String(decoding: pem, as: UTF8.self))
        else { return nil }
        let key = CheckpointKey(origin: origin, publicKey: privateKey.publicKey)
        return KeyEpoch(number: number, privateKey: privateKey, key: key)
    }

    /// The epochs whose key files exist, whole or not.
    static func numbers(in directory: String) throws(RecordError) -> [Int] {
        try SegmentDirectory.entries(of: directory).compactMap { name in
            guard name.hasPrefix("epoch-"), name.hasSuffix(".pem") else { return nil }
            return Int(name.dropFirst(6).dropLast(4))
        }
    }

    // MARK: The mark

    /// Says that a log was begun: made when the first line is durable and before anybody is told,
    /// it never goes. Without it, an empty directory beside key 1 is what a crash in front of the
    /// first line leaves; with it, somebody removed the log. Empty: that it is there says all.
    private static let mark = "begun"

    static func hasBegun(_ directory: String) throws(RecordError) -> Bool {
        var status = stat()
        if unsafe lstat("\(directory)/\(mark)", &status) == 0 { return true }
        guard errno == ENOENT else { throw .unavailable("look at \(mark): errno \(errno)") }
        return false
    }

    static func markBegun(_ directory: String) throws(RecordError) {
        try RecorderDisk.writeWhole("\(directory)/\(mark)", [], mode: 0o600)
        try RecorderDisk.syncDirectory(directory)
    }

    static func erase(_ number: Int, in directory: String) throws(RecordError) {
        try RecorderDisk.erase(path(directory, number), in: directory)
    }

    /// Makes the directory if need be and refuses one that others may look into.
    static func prepare(_ directory: String) throws(RecordError) {
        try RecorderDisk.makeDirectory(directory, mode: 0o700)
        var status = stat()
        guard unsafe stat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw .unavailable("\(directory) is not a directory")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw .unavailable("others may look into \(directory): its mode must be 0700")
        }
    }
}
