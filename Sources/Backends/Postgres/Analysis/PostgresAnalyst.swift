/// What would a statement touch? PostgreSQL's own answer: it parses and analyses the statement
/// without running it, and we read the tree that it made.
///
/// Holds a few links of its own, which only analyse. Every method blocks: for threads that load
/// manifests and for workers. It must never run a caller's text, and what it cannot read it must
/// say to be unknown, never to be nothing.
internal import Enforcement
internal import JSON
internal import Synchronization

final class PostgresAnalyst: Sendable {
    /// Whose statement it is.
    enum Author {
        /// The manifests'.
        case operation
        /// A caller's: functions with side effects, code and catalogues are refused.
        case caller
    }

    static let linksMax = 4

    private let options: PostgresOptions
    private let sessions: [SessionSlot]

    init(_ options: PostgresOptions) {
        self.options = options
        sessions = (0..<Self.linksMax).map { _ in SessionSlot() }
    }

    private final class SessionSlot: Sendable {
        let session = Mutex<PostgresAnalysisSession?>(nil)
    }

    /// `age`: how old the last look at the catalogue may be.
    func examine(
        _ text: String, effect: Tool.Effect, author: Author, wantsEstimate: Bool = false,
        age: Duration = .zero
    ) throws(BackendError) -> PostgresFindings {
        let slot = sessions[Int(Name(text).hashValue.magnitude % UInt(Self.linksMax))]
        return try slot.session.withLock { (session) throws(BackendError) in
            try ask(&session) { (session) throws(PostgresAnalysisError) in
                try session.examine(
                    text, effect: effect, author: author, wantsEstimate: wantsEstimate, age: age)
            }
        }
    }

    /// The version of the catalogue as it is now.
    func version() throws(BackendError) -> String {
        try sessions[0].session.withLock { (session) throws(BackendError) in
            try ask(&session) { (session) throws(PostgresAnalysisError) in
                try session.refresh()
                return session.version
            }
        }
    }

    func columns() throws(BackendError) -> BackendColumns {
        try sessions[0].session.withLock { (session) throws(BackendError) in
            try ask(&session) { (session) throws(PostgresAnalysisError) in
                try session.columns()
            }
        }
    }

    func privileges() throws(BackendError) -> RolePrivileges {
        try sessions[0].session.withLock { (session) throws(BackendError) in
            try ask(&session) { (session) throws(PostgresAnalysisError) in
                try session.privileges()
            }
        }
    }

    func relations() throws(BackendError) -> [SchemaRelation] {
        try sessions[0].session.withLock { (session) throws(BackendError) in
            try ask(&session) { (session) throws(PostgresAnalysisError) in
                try session.relations()
            }
        }
    }

    /// As far as `role` may read, which is the login's own where there is none.
    func describe(_ job: Job, as role: String?) throws(BackendError) -> RawResult {
        try sessions[1].session.withLock { (session) throws(BackendError) in
            try ask(&session) { (session) throws(PostgresAnalysisError) in
                try session.describe(job, as: role)
            }
        }
    }

    /// Once more on a new link where the old one had died.
    private func ask<Answer>(
        _ session: inout PostgresAnalysisSession?,
        _ body: (inout PostgresAnalysisSession) throws(PostgresAnalysisError) -> Answer
    ) throws(BackendError) -> Answer {
        let wasOpen = session != nil
        do throws(PostgresAnalysisError) {
            if session == nil { session = try PostgresAnalysisSession(options) }
            guard var open = session else { throw .server(.changed) }
            defer { session = open }
            return try body(&open)
        } catch {
            guard case .server(let failure) = error, failure.isFatal else {
                throw BackendError(error)
            }
            session = nil
            guard wasOpen else { throw BackendError(error) }
        }
        return try ask(&session, body)
    }
}

/// What the analysis of one statement found.
struct PostgresFindings: Sendable {
    var examination: Examination
    /// The types of the columns, for whoever makes values of them.
    var types: [UInt32]
    /// Of `$1`, `$2` …; nil where the server was not asked.
    var parameterTypes: [UInt32]?
    /// Of the catalogue that it holds for, and when that was asked for.
    var version: String
    var seen: ContinuousClock.Instant
}

enum PostgresAnalysisError: Error {
    case refused(String)
    case server(PostgresFailure)
}

extension BackendError {
    init(_ error: PostgresAnalysisError) {
        switch error {
        case .refused(let told): self.init(.refused, detail: told)
        case .server(let failure):
            switch failure.code.prefix(2) {
            case _ where failure.isFatal: self.init(.unavailable, detail: failure.message)
            case "57", "55", "40": self.init(.busy, detail: "SQLSTATE \(failure.code)")
            case "": self.init(.failed, detail: failure.message)
            default:
                let reason = PostgresAnalysisError.reason(failure.code)
                self.init(.statement, detail: "\(reason) (SQLSTATE \(failure.code))")
            }
        }
    }
}

extension PostgresAnalysisError {
    /// In our words: the server's may quote the statement.
    static func reason(_ code: String) -> String {
        switch code {
        case "42601": "it has a syntax error"
        case "42P01": "it names a relation that is not there"
        case "42703": "it names a column that is not there"
        case "42702", "42P09": "it names a column that two relations have; qualify it"
        case "42883": "it calls a function or operator that is not there for these types; cast them"
        case "42804", "42846", "42P18", "22P02", "42P08": "its types do not fit; cast them"
        case "42803": "a column must stand in GROUP BY or in an aggregate"
        case "42501": "it needs a privilege that this tool's role has not"
        case "54001", "54000", "53200": "it is too complex"
        case "25006": "the database takes no analysis, since it is a standby"
        case "0A000": "it uses what cannot be analysed"
        default: "the database does not take it"
        }
    }
}

extension PostgresFailure {
    /// Set where we, and not the server, are against it; told to the caller.
    var refusal: String? { code.isByteEqual(to: Self.refusalCode) ? message : nil }

    private static let refusalCode = "TOOLS"

    static func refused(_ told: String) -> PostgresFailure {
        PostgresFailure(code: refusalCode, message: told)
    }
}
