import Backends
import Enforcement
import EventLoop
import Glibc
import JSON

/// The state directory of one installation: its keys and its record.
///
///     keys/token.pem      signs the tokens of this installation; 0600
///     keys/token.retired.json  verifies those that were signed before it was rotated
///     keys/pseudonym.key  makes the tokens of masked values; 0600
///     keys/state.key      seals what clients bring back to us; 0600
///     keys/record/        the record's signing key while the server is down, and the keys of the
///                         answers that are kept; 0700
///     streams/            how far each stream has taken each log
///     record/             the log, and record.pub, which proves it; record-2, … for further
///                         processes on the same state
///     state.db            what outlives a process: answers given, tasks; all processes share it
struct Installation: Sendable {
    let directory: String
    /// nil: each process keeps its record itself.
    var recorder: RecorderSettings?

    var keyDirectory: String { directory + "/keys" }
    var pseudonymKeyFile: String { keyDirectory + "/pseudonym.key" }
    var tokenKeyFile: String { keyDirectory + "/token.pem" }

    /// A log has one writer. A second process on the same state (Claude starts one over stdio for
    /// each of its sessions) keeps a log of its own beside the first: record-2, record-3, …
    static let firstLog = "record"
    static let logsMax = 64

    static func logName(_ number: Int) -> String {
        number == 1 ? firstLog : "\(firstLog)-\(number)"
    }

    /// Made on first use, for this user alone.
    func prepare() throws(CommandFailure) {
        for path in [directory, keyDirectory] {
            try Self.makeDirectory(path)
        }
    }

    /// The folder of the logs.
    var records: String { recorder?.directory ?? directory }

    /// The first log that no other process writes, and its name; or the one log of the recorder.
    func openRecord(
        givesEvidence: Bool = false, segmentSeconds: Int? = nil, keepsBodies: Bool = false
    ) throws(CommandFailure) -> (recorder: Recorder, log: String) {
        if let recorder {
            let opened = try RecorderLink.open(recorder, givesEvidence: givesEvidence)
            return (opened, Self.firstLog)
        }
        for number in 1...Self.logsMax {
            let name = Self.logName(number)
            let files = directory + "/" + name
            let keys = keyDirectory + "/" + name
            try Self.makeDirectory(files)
            try Self.makeDirectory(keys)
            do throws(RecordError) {
                let recorder = try Recorder.open(
                    directory: files, keys: keys,
                    limits: RecorderLimits(
                        queuedBytes: keepsBodies ? Self.queuedBytesWithBodies : 8 << 20,
                        segmentSeconds: segmentSeconds),
                    givesEvidence: givesEvidence, keepsBodies: keepsBodies,
                    wakeLater: { OwedWakes.wake($0) },
                    notice: { StandardStream.error.line("record: \($0)") })
                return (recorder, name)
            } catch {
                if case .locked = error { continue }
                throw CommandFailure("the record cannot be opened: \(error)")
            }
        }
        throw CommandFailure("\(Self.logsMax) processes write records in \(directory) already")
    }

    /// Answers wait with their lines.
    private static let queuedBytesWithBodies = 40 << 20

    /// Where streams keep their cursors.
    func prepareStreams() throws(CommandFailure) {
        try Self.makeDirectory(directory + "/streams")
    }

    /// Where the cosignatures of witnesses are kept.
    func prepareWitnesses() throws(CommandFailure) {
        try Self.makeDirectory(directory + "/witnesses")
    }

    /// What all processes of this installation keep together.
    func openState() throws(CommandFailure) -> StateDatabase {
        do throws(StateError) {
            return try StateDatabase(StateOptions(file: Startup.absolute(directory) + "/state.db"))
        } catch {
            let advice =
                error.reason == .newer
                ? "Start that version, or another state directory." : "Nothing was changed."
            throw CommandFailure("the state cannot be used: \(error.detail). \(advice)")
        }
    }

    /// What they have counted together.
    var usage: UsageDatabase {
        UsageDatabase(StateOptions(file: Startup.absolute(directory) + "/usage.db"))
    }

    /// Made at the first start.
    func stateKey() throws(CommandFailure) -> [UInt8] {
        let file = keyDirectory + "/state.key"
        if let key = try Self.read(file) {
            try Self.refuseIfShared(file)
            guard key.count == Self.stateKeyBytes else {
                throw CommandFailure(
                    "\(file) is not a key of \(Self.stateKeyBytes) bytes. Restore it, or remove it to start anew: questions asked before then end."
                )
            }
            return key
        }
        guard let key = try? randomBytes(Self.stateKeyBytes) else {
            throw CommandFailure("no key could be made")
        }
        try Self.writeNew(key, to: file)
        // Another process may have been first: the file decides.
        return try stateKey()
    }

    private static let stateKeyBytes = 32

    func tokenKey() throws(CommandFailure) -> ES256PrivateKey {
        if let pem = try Self.read(tokenKeyFile) {
            try Self.refuseIfShared(tokenKeyFile)
            do throws(CryptoError) {
                return try ES256PrivateKey(pem: String(decoding: pem, as: UTF8.self))
            } catch {
                throw CommandFailure(
                    "\(tokenKeyFile) is not a P-256 private key. Restore it, or remove it to start anew: tokens minted before then end."
                )
            }
        }
        let pem: String
        do throws(CryptoError) { pem = try ES256PrivateKey.generate().pem() } catch {
            throw CommandFailure("no key could be made: \(error)")
        }
        try Self.writeNew(Array(pem.utf8), to: tokenKeyFile)
        // Another process may have been first: the file decides.
        return try tokenKey()
    }

    /// Whoever can read the key can be anybody.
    static func refuseIfShared(_ path: String) throws(CommandFailure) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & 0o077 == 0 else {
            throw CommandFailure(
                "\(path) can be read or changed by others. Run `chmod 600` on it, or remove it to start anew."
            )
        }
    }

    /// What tokens for masked values are made with. Whoever removes it makes all tokens new.
    /// By which witnesses know the logs of this installation.
    func witnessKey() throws(CommandFailure) -> Ed25519PrivateKey {
        let file = keyDirectory + "/witness.pem"
        if let pem = try Self.read(file) {
            try Self.refuseIfShared(file)
            do throws(CryptoError) {
                return try Ed25519PrivateKey(pem: String(decoding: pem, as: UTF8.self))
            } catch {
                throw CommandFailure(
                    "\(file) is not an Ed25519 private key. Restore it, or remove it and give witnesses the new key."
                )
            }
        }
        let pem: String
        do throws(CryptoError) { pem = try Ed25519PrivateKey.generate().pem() } catch {
            throw CommandFailure("no key could be made: \(error)")
        }
        try Self.writeNew(Array(pem.utf8), to: file)
        // Another process may have been first: the file decides.
        return try witnessKey()
    }

    func pseudonymKey() throws(CommandFailure) -> [UInt8] {
        if let key = try existingPseudonymKey() { return key }
        let fresh: [UInt8]
        do throws(CryptoError) { fresh = try randomBytes(32) } catch {
            throw CommandFailure("no key could be made: \(error)")
        }
        try Self.writeNew(Array(Hex.encode(fresh).utf8) + [0x0A], to: pseudonymKeyFile)
        // Another process may have been first: the file decides.
        return try pseudonymKey()
    }

    func existingPseudonymKey() throws(CommandFailure) -> [UInt8]? {
        guard let text = try Self.read(pseudonymKeyFile) else { return nil }
        try Self.refuseIfShared(pseudonymKeyFile)
        let digits = text.prefix { $0 != 0x0A }
        guard let key = Hex.decode(String(decoding: digits, as: UTF8.self)), key.count == 32 else {
            throw CommandFailure(
                "\(pseudonymKeyFile) is not a key of 64 hexadecimal digits. Restore it, or remove it to start anew: tokens made before then join with no later ones."
            )
        }
        return key
    }

    private static func makeDirectory(_ path: String) throws(CommandFailure) {
        var partial = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: true) {
            partial += (partial.utf8.isEmpty && !path.utf8.starts(with: "/".utf8) ? "" : "/") + part
            if unsafe mkdir(partial, 0o700) != 0, errno != EEXIST {
                throw CommandFailure("cannot make \(partial): \(SystemText.error(errno))")
            }
        }
    }

    static func read(_ path: String) throws(CommandFailure) -> [UInt8]? {
        switch FileBytes.read(path) {
        case .success(let bytes): return bytes
        case .failure(let failure) where failure.isMissing: return nil
        case .failure(let failure):
            throw CommandFailure("\(path) \(failure.reason)")
        }
    }

    static func writeNew(_ bytes: [UInt8], to path: String) throws(CommandFailure) {
        if case .failure(let fault) = FileBytes.writeNew(bytes, to: path), fault.code != EEXIST {
            throw CommandFailure("cannot write \(path): \(SystemText.error(fault.code))")
        }
    }
}

extension RecorderCore: Wakeable {}
