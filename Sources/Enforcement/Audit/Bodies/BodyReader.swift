/// Reads answers with the keys of their log.
package struct BodyReader {
    package enum Fault: Error {
        case files(String)
        /// It is destroyed, or this user may not read it.
        case noKey
        case otherKey
        case unavailable

        package var reason: String {
            switch self {
            case .files(let reason): reason
            case .noKey: "its key is not there"
            case .otherKey: "it was not sealed for this call and place"
            case .unavailable: "the library cannot decrypt"
            }
        }
    }

    private let files: BodyFiles
    private let keys: String

    /// `log` is the folder of the record, `keys` that of its keys.
    package init(log: String, keys: String) {
        files = BodyFiles(log: log)
        self.keys = keys
    }

    /// What the caller was told: a JSON document.
    package func answer(_ note: BodyNote, of call: String) -> Result<[UInt8], Fault> {
        do throws(BodyFiles.Fault) {
            return Self.open(try files.sealed(note), note, of: call, keys: keys)
        } catch { return .failure(.files(error.reason)) }
    }

    static func open(
        _ sealed: [UInt8], _ note: BodyNote, of call: String, keys: String
    ) -> Result<[UInt8], Fault> {
        guard
            let key = BodyKey.read(note.key, in: keys)?.derived(BodySeal.salt(sealed))
                ?? HeldBodies.key(of: note, in: keys)
        else { return .failure(.noKey) }
        do throws(CryptoError) {
            let answer = try BodySeal.open(sealed, of: call, note, by: key)
            return answer.map { .success($0) } ?? .failure(.otherKey)
        } catch { return .failure(.unavailable) }
    }
}
