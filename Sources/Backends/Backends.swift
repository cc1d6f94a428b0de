/// Which database does a cleared call meet? The one place where a call and a backend come together.
///
/// A backend answers two questions: `examine` (what would this operation touch?) at load, and `run`
/// for a call that the gate has cleared. It never sees a caller, a rule or a mask, and it never
/// says more to the outside than `BackendError`.
///
/// To add a kind of backend: make a folder beside `SQLite/` with a type that conforms to `Backend`,
/// give `Operation` (in Enforcement) a case for what its tools say, refuse every other case in
/// `examine`, and have the manifest loader make one for its `"kind"`. Nothing here changes.
package import Enforcement
package import JSON

package struct Backends: CallRunner {
    private let byName: [Name: any Backend]

    package init(_ byName: [Name: any Backend]) { self.byName = byName }

    package func examine(_ job: Job) async throws(BackendError) -> CallExamination {
        try await backend(of: job).examine(job)
    }

    package func run(_ call: consuming ClearedCall) async throws(BackendError) -> RawResult {
        try await backend(of: call.job).run(call)
    }

    package func fate(of mark: TransactionMark, on backend: Name) async -> RunFate {
        await byName[backend]?.fate(of: mark, on: backend) ?? .unknowable
    }

    package func preview(
        of statement: String, _ values: [JSONValue], on backend: Name
    ) throws(BackendError) -> ChangePreview {
        guard let found = byName[backend] else {
            throw BackendError(.failed, detail: "no such backend")
        }
        return try found.preview(of: statement, values, on: backend)
    }

    private func backend(of job: Job) throws(BackendError) -> any Backend {
        if let backend = byName[job.tool.backend] { return backend }
        // The loader resolves every tool's backend, so a call cannot name one that is absent.
        throw BackendError(.failed, detail: "no such backend")
    }
}

extension Job {
    /// The arguments, and what the caller's identity gives, which no argument can replace.
    func values() throws(BackendError) -> JSONObject {
        let given = tool.operation.bound
        guard !given.isEmpty else { return arguments }
        guard let identity else { throw BackendError(.identity, detail: "a caller") }
        var values = arguments
        for bound in given {
            values[bound.name.text] = try bound.value.value(for: identity)
        }
        return values
    }
}
