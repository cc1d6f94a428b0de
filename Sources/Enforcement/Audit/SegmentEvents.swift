/// The lines that the recorder writes by itself. Writer and checker make them with the same code.
enum SegmentEvents {
    /// Names that a caller's line may not bear.
    static let reserved = [
        "checkpoint", "epoch", "segment", "recovered", "clock", "underway", "resume",
    ]

    static func checkpoint(
        _ note: CheckpointNote, size: Int, root: [UInt8], origin: String, isolation: String,
        signature: ArraySlice<UInt8>
    ) -> [UInt8] {
        var body = Array(#""event":"checkpoint","size":\#(size),"root":""#.utf8)
        body += root
        body += Array(#"","note":""#.utf8)
        body += note.opening(origin: origin)
        body += signature
        body += checkpointEnd(isolation: isolation)
        return body
    }

    static func checkpointEnd(isolation: String) -> [UInt8] {
        Array(#"\n","isolation":"\#(isolation)""#.utf8)
    }

    /// Up to the signature; `epochEnd` follows it.
    static func epochStart(_ note: CheckpointNote, number: Int, key: CheckpointKey) -> [UInt8] {
        Array(#""event":"epoch","epoch":\#(number),"key":"\#(key.text)","note":""#.utf8)
            + note.opening(origin: key.origin)
    }

    static func epochEnd(isolation: String) -> [UInt8] {
        Array(#"\n","isolation":"\#(isolation)""#.utf8)
    }

    /// `bootID` and `monotonic` let a reader see what the wall clock did; no check needs them.
    static func epochClocks(bootID: String, monotonic: UInt64) -> [UInt8] {
        Array(#","boot":"\#(bootID)","monotonic":\#(monotonic)"#.utf8)
    }

    static func recovered(segment: Int, from offset: Int, detail: String) -> [UInt8] {
        Array(#""event":"recovered","segment":\#(segment),"from":\#(offset),\#(detail)"#.utf8)
    }

    static func clock(jumpMilliseconds: Int, monotonic: UInt64) -> [UInt8] {
        Array(
            #""event":"clock","jump_ms":\#(jumpMilliseconds),"monotonic":\#(monotonic)"#.utf8)
    }
}

/// Whose process holds the files and the key.
package enum RecordIsolation: String, Sendable {
    /// The server's.
    case inproc
    /// One of its own, under a user of its own.
    case recorder
}
