import JSON

/// The digest of several fields in a row, each with its length: two rows that differ are two
/// inputs, wherever they are cut.
struct FieldDigest {
    private var bytes: [UInt8] = []

    mutating func add(_ field: some Collection<UInt8>) {
        bytes.append(contentsOf: (0..<8).map { UInt8(truncatingIfNeeded: field.count >> (8 * $0)) })
        bytes.append(contentsOf: field)
    }

    mutating func add(_ field: String) { add(field.utf8) }

    /// Nothing and the empty text are two.
    mutating func add(_ field: String?) {
        add([field == nil ? 0 : 1])
        add(field ?? "")
    }

    func finish() -> Digest32 { SHA256.digest(bytes) }
}
