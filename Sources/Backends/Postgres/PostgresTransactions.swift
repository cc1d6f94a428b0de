package import Enforcement
internal import EventLoop
package import JSON

/// What became of a change whose connection, or whose process, was lost while it was made?
///
/// The server knows, for as long as it keeps its transactions' states. A number alone is no name:
/// another cluster, the same one after a failover, or after a crash in which the number was lost,
/// gives it to somebody else's transaction.
enum PostgresTransactions {
    private static let timeline =
        "pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8)"

    /// Another after each start and each crash: statistics do not outlive a crash.
    private static let run =
        "pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time()), '/', pg_catalog.date_part('epoch', pg_catalog.pg_stat_get_bgwriter_stat_reset_time())"

    /// Number, timeline and run, in one text.
    static let mark =
        "SELECT pg_catalog.concat(pg_catalog.pg_current_xact_id(), ' ', \(timeline), ' ', \(run))"

    private static let server = """
        SELECT system_identifier, \(timeline), pg_catalog.concat(\(run))
        FROM pg_catalog.pg_control_system()
        """

    private static let status = "SELECT pg_catalog.pg_xact_status($1::pg_catalog.xid8)"
    /// Not given to any transaction yet.
    private static let futureCode = "22023"

    /// nil where the login may not know: changes are then made without a mark.
    static func cluster(_ link: PostgresLink) -> String? {
        let rows = try? link.rows("SELECT system_identifier FROM pg_catalog.pg_control_system()")
        return rows?.first?.first ?? nil
    }

    /// Blocks.
    static func fate(of mark: TransactionMark, _ options: PostgresOptions) -> RunFate {
        guard let link = try? PostgresMaking.connect(options) else { return .unreachable }
        defer { link.close() }
        guard let row = (try? link.rows(server))?.first, row.count == 3 else { return .unreachable }
        guard row[0]?.isByteEqual(to: mark.cluster) == true,
            row[1]?.isByteEqual(to: mark.timeline) == true
        else { return .unknowable }
        let isSameRun = row[2]?.isByteEqual(to: mark.run) == true
        do throws(PostgresFailure) {
            switch try link.rows(status, [mark.number]).first?.first?.map({ Name($0) }) {
            // After a crash the number may be another's, but only where ours was not committed.
            case "committed": return isSameRun ? .made : .unknowable
            case "aborted": return .notMade
            case "in progress": return .underway
            default: return .unknowable
            }
        } catch {
            if error.isFatal { return .unreachable }
            return error.code.isByteEqual(to: futureCode) ? .notMade : .unknowable
        }
    }
}

/// Whether the end of a change may be sent: not before its transaction is on disk.
struct PostgresNote {
    private enum State { case notWanted, underway, done, failed }

    private var state: State
    private var isEndWaiting = false

    init(isWanted: Bool = false) { state = isWanted ? .underway : .notWanted }

    var hasFailed: Bool { state == .failed }

    /// Where it answers no, `isDone` says when.
    mutating func mayEnd() -> Bool {
        isEndWaiting = state == .underway
        return !isEndWaiting
    }

    /// Answers whether the end waits for it.
    mutating func isDone(_ isNoted: Bool) -> Bool {
        state = isNoted ? .done : .failed
        return isEndWaiting
    }
}

extension TransactionMark {
    /// `number timeline run`, as the server says it.
    init?(_ text: String, cluster: String) {
        let parts = text.split(separator: " ")
        guard parts.count == 3 else { return nil }
        self.init(
            number: String(parts[0]), timeline: String(parts[1]), run: String(parts[2]),
            cluster: cluster)
    }
}

extension PostgresBackend {
    /// The connection broke as the change was made: the server may need a moment to know.
    private static let patience = [50, 100, 200, 400, 800, 1_600]

    package func fate(of mark: TransactionMark, on backend: Name) async -> RunFate {
        let fate = try? await workers.run { [options] _ in
            PostgresTransactions.fate(of: mark, options)
        }
        return fate ?? .unreachable
    }

    /// The answer of a change that was made all the same.
    func settled(
        _ mark: TransactionMark, _ result: RawResult, on pool: PostgresPool
    ) async throws(BackendError) -> RawResult {
        for milliseconds in Self.patience {
            switch await fate(of: mark, on: "") {
            case .made: return result
            case .notMade:
                throw BackendError(.unavailable, detail: "the connection broke before the change")
            case .unknowable: throw BackendError(.unknown, detail: "the connection broke")
            case .underway, .unreachable:
                try? await pool.loop.sleep(for: .milliseconds(milliseconds))
            }
        }
        throw BackendError(.unknown, detail: "the connection broke")
    }
}
