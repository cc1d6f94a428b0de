import Enforcement
import JSON

/// The last checkpoint of a log that a witness has cosigned, in a file beside the record which
/// `audit verify --witness` takes.
enum KeptCosignature {
    static func file(_ directory: String, _ witness: Name, _ log: String) -> String {
        "\(directory)/\(witness.text).\(log).note"
    }

    /// nil where there is none of this log, or none that can be read: the witness says then how far
    /// it has seen the log.
    static func read(_ file: String, origin: String) -> KeptCheckpoint? {
        guard case .success(let bytes) = FileBytes.read(file, atMost: 8_192),
            let kept = try? KeptCheckpoint.read(bytes).first,
            kept.origin.isByteEqual(to: origin)
        else { return nil }
        return kept
    }

    /// False where the disk does not take it.
    static func write(_ file: String, _ note: String, _ cosignature: String) -> Bool {
        let text = note + cosignature + "\n"
        if case .success = FileBytes.replace(file, with: Array(text.utf8)) { return true }
        return false
    }
}
