internal import Enforcement
internal import JSON

/// A statement with what its examination on this connection found.
final class SQLitePrepared {
    let statement: SQLiteStatement
    let examination: Examination
    /// The tool's examination that was last found to agree.
    var agreed: Examination?
    /// Where columns can be left out of values that may fail.
    let blanks: SQLiteBlanks
    /// One a parameter of the statement, in its order.
    let parameters: [Name]
    fileprivate var lastUse: UInt64 = 0

    init(_ statement: SQLiteStatement, _ examination: Examination, _ blanks: SQLiteBlanks) {
        self.statement = statement
        self.blanks = blanks
        self.examination = examination
        parameters = examination.parameters
    }
}

/// The prepared statements of one connection: the least recently used goes when it is full.
struct SQLiteStatementCache {
    static let capacity = 64

    private var entries: [Name: SQLitePrepared] = [:]
    private var useCount: UInt64 = 0

    var count: Int { entries.count }

    mutating func find(_ text: Name) -> SQLitePrepared? {
        guard let entry = entries[text] else { return nil }
        useCount &+= 1
        entry.lastUse = useCount
        return entry
    }

    mutating func insert(_ entry: SQLitePrepared, for text: Name) {
        if entries.count >= Self.capacity, entries[text] == nil { removeOldest() }
        useCount &+= 1
        entry.lastUse = useCount
        entries[text] = entry
    }

    mutating func remove(_ text: Name) { entries[text] = nil }

    mutating func removeAll() { entries = [:] }

    /// A scan of all entries, but only when a new statement meets a full cache.
    private mutating func removeOldest() {
        let oldest = entries.min { $0.value.lastUse < $1.value.lastUse }
        if let oldest { entries[oldest.key] = nil }
    }
}
