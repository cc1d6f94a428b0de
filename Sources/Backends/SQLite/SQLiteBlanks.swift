internal import Enforcement

/// A statement with some columns left out of the values that are computed on them.
///
/// A value that is computed on a masked column is covered whole, so nobody misses what is left out
/// of it; and a value that is made without the column cannot tell of it, by failing or by taking
/// long. Only what stands in the statement's own text can be left out.
struct SQLiteBlanks: Equatable {
    struct Place: Equatable {
        let bytes: Range<Int>
        /// Those that the name in this place may mean.
        let columns: Set<ColumnPath>
    }

    /// In their order.
    let places: [Place]

    var columns: Set<ColumnPath> { places.reduce(into: []) { $0.formUnion($1.columns) } }

    /// By the places of the names among the tokens of the text.
    init(_ names: [Range<Int>: Set<ColumnPath>], of text: String) {
        guard !names.isEmpty else {
            places = []
            return
        }
        let bytes = SQLiteTokens.places(in: text)
        places = names.sorted { $0.key.lowerBound < $1.key.lowerBound }.map { range, columns in
            let start = bytes[range.lowerBound].lowerBound
            return Place(bytes: start..<bytes[range.upperBound - 1].upperBound, columns: columns)
        }
    }

    /// The text with NULL for each name that may mean one of the columns.
    func text(_ text: String, without columns: Set<ColumnPath>) -> String {
        let bytes = Array(text.utf8)
        var made: [UInt8] = []
        var end = 0
        for place in places where !place.columns.isDisjoint(with: columns) {
            made.append(contentsOf: bytes[end..<place.bytes.lowerBound])
            made.append(contentsOf: " NULL ".utf8)
            end = place.bytes.upperBound
        }
        made.append(contentsOf: bytes[end...])
        return String(decoding: made, as: UTF8.self)
    }
}

extension Examination {
    /// Whether this is what the whole statement is, with less read and nothing more told.
    func isBlanked(_ whole: Examination) -> Bool {
        columns.count == whole.columns.count && parameters == whole.parameters
            && isReadOnly == whole.isReadOnly && Self.isWithin(reads, whole.reads)
            && Self.isWithin(deciding, whole.deciding)
    }

    private static func isWithin(_ some: Set<ColumnPath>?, _ all: Set<ColumnPath>?) -> Bool {
        guard let all else { return true }
        return some?.isSubset(of: all) == true
    }
}
