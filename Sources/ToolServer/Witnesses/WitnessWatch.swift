import JSON
import Synchronization

/// Which witnesses have seen another history of the record than the log tells.
final class WitnessWatch: Sendable {
    private let troubled = Mutex<[Name]>([])

    func set(_ witness: Name, isTroubled: Bool) {
        troubled.withLock { names in
            names.removeAll { $0 == witness }
            if isTroubled { names.append(witness) }
        }
    }

    /// What stands beside the server's word that it is ready; nil where all is well. The names of
    /// witnesses are the operator's, so they are not told to whoever asks.
    var complaint: String? {
        let count = troubled.withLock { $0.count }
        guard count > 0 else { return nil }
        return "\(count) of the witnesses have another history of the record than this log"
    }
}
