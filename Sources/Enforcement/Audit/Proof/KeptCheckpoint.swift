import JSON

/// A checkpoint that somebody kept outside: what makes a cut, a rollback or a fork visible.
package struct KeptCheckpoint: Sendable {
    package let origin: String
    package let size: Int
    /// In base64.
    package let root: String

    /// A file of checkpoint lines as they stand in the log, or of C2SP notes, one after the other.
    package static func read(_ bytes: [UInt8]) throws(RecordError) -> [KeptCheckpoint] {
        var kept: [KeptCheckpoint] = []
        var note: [String] = []
        for part in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            let line = String(decoding: part, as: UTF8.self)
            if part.first == UInt8(ascii: "{") {
                let text = (try? JSONParser.parse(Array(part)))?["note"]?.string ?? ""
                kept.append(try checkpoint(text.split(separator: "\n").map(String.init)))
            } else if line.utf8.starts(with: "— ".utf8) {
                // Behind the first signature others may stand, as those of witnesses.
                if !note.isEmpty || kept.isEmpty { kept.append(try checkpoint(note)) }
                note = []
            } else if !part.isEmpty {
                note.append(line)
            }
        }
        guard note.isEmpty, !kept.isEmpty else { throw .malformed("not a kept checkpoint") }
        return kept
    }

    private static func checkpoint(_ lines: [String]) throws(RecordError) -> KeptCheckpoint {
        guard lines.count >= 3, let size = Int(lines[1]), size >= 0,
            Base64.decode(lines[2])?.count == Digest32.byteCount
        else { throw .malformed("not a kept checkpoint") }
        return KeptCheckpoint(origin: lines[0], size: size, root: lines[2])
    }
}

/// Which kept checkpoints were met while the log was read.
struct KeptCheckpoints {
    private var wanted: [Int: [KeptCheckpoint]] = [:]
    /// Whether the tree was the kept one at the last wanted size.
    private var last: (size: Int, isSame: Bool)?
    private(set) var forkedAt: Int?

    init(_ kept: [KeptCheckpoint]) {
        for checkpoint in kept { wanted[checkpoint.size, default: []].append(checkpoint) }
    }

    var isEmpty: Bool { wanted.isEmpty }

    mutating func take(
        _ check: borrowing SegmentCheck, _ kind: SegmentCheck.Kind, _ hasher: SHA256Hasher
    ) {
        guard !wanted.isEmpty else { return }
        let size = check.state.tree.size
        // A checkpoint of the log is a line behind those that it covers.
        if kind == .checkpoint, let last, last.size == size - 1 {
            if last.isSame { wanted[last.size] = nil } else { forkedAt = last.size }
        }
        guard let kept = wanted[size] else { return }
        let root = Base64.encode(check.state.tree.root(hasher).bytes)
        let origin = check.state.key.origin
        let isSame = kept.allSatisfy {
            $0.root.isByteEqual(to: root) && $0.origin.isByteEqual(to: origin)
        }
        last = (size, isSame)
    }

    /// What the log does not agree with.
    var complaint: String? {
        if let forkedAt {
            return
                "a checkpoint over \(forkedAt) lines was kept that is not the log's: there are two histories"
        }
        return wanted.keys.max().map {
            "a checkpoint over \($0) lines was kept, which the log does not have: its end was cut or it was set back"
        }
    }
}
