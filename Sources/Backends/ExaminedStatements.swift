internal import Enforcement
internal import JSON
internal import Synchronization

/// What is known of callers' own statements, so that one that comes again costs a look-up. The
/// least recently used go when it is full; whoever asks says whether an answer still holds.
final class ExaminedStatements<Value: Sendable>: Sendable {
    static var capacity: Int { 1_000 }

    private struct Entry {
        var value: Value
        var lastUse: UInt64
    }

    private struct State {
        var entries: [Name: Entry] = [:]
        var useCount: UInt64 = 0
    }

    private let state = Mutex(State())

    func find(_ text: Name) -> Value? {
        state.withLock { state in
            guard let entry = state.entries[text] else { return nil }
            state.useCount &+= 1
            state.entries[text]?.lastUse = state.useCount
            return entry.value
        }
    }

    func insert(_ value: Value, for text: Name) {
        state.withLock { state in
            if state.entries.count >= Self.capacity, state.entries[text] == nil {
                // A quarter at once, so that a full cache is not searched at every statement.
                let oldest = state.entries.sorted { $0.value.lastUse < $1.value.lastUse }
                for entry in oldest.prefix(Self.capacity / 4) { state.entries[entry.key] = nil }
            }
            state.useCount &+= 1
            state.entries[text] = Entry(value: value, lastUse: state.useCount)
        }
    }

    func remove(_ text: Name) { state.withLock { $0.entries[text] = nil } }
}

/// The statement of a call that its caller wrote.
struct CallersStatement {
    let text: String
    let parameters: [JSONValue]

    init(_ operation: FreeSQLOperation, _ arguments: JSONObject) throws(BackendError) {
        guard let text = arguments[operation.argument.text]?.string else {
            throw BackendError(.argument, detail: "`\(operation.argument)` must be a statement")
        }
        self.text = text
        switch arguments[FreeSQLOperation.parameters.text] {
        case nil, .null?: parameters = []
        case .array(let values)?: parameters = values
        case _?: throw BackendError(.argument, detail: "`params` must be an array")
        }
    }

    static func check(_ values: [JSONValue], areFor count: Int) throws(BackendError) {
        guard values.count == count else {
            throw BackendError(
                .argument,
                detail: "the statement takes \(count) values in `params`, not \(values.count)")
        }
    }

    var request: BackendRequest { .sql(text: text, parameters: parameters) }
}

extension Job {
    /// The statement that runs: the tool's, or the caller's as it was judged.
    var statementText: String {
        switch (tool.operation, request) {
        case (.sql(let operation), _): operation.text
        case (.freeSQL, .sql(let text, _)?): text
        // Nothing was judged, so nothing runs.
        case (.freeSQL, _), (.http, _), (.describe, _), (.access, _): ""
        }
    }

    /// The values for `$1`, `$2` … of a caller's own statement; nil for a tool's, which has names.
    var callersParameters: [JSONValue]? {
        guard case .freeSQL = tool.operation, case .sql(_, let parameters)? = request else {
            return nil
        }
        return parameters
    }
}

extension Examination {
    /// Each row becomes an object: a second column of one name gets a number.
    var withDistinctNames: Examination {
        var copy = self
        var seen: Set<Name> = []
        for index in copy.columns.indices {
            let name = copy.columns[index].name
            var number = 2
            while !seen.insert(Name(copy.columns[index].name)).inserted {
                copy.columns[index].name = "\(name)_\(number)"
                number += 1
            }
        }
        return copy
    }
}
