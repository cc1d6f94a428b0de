package import Enforcement

/// What a Postgres backend is made from, every default filled in.
package struct PostgresOptions: Sendable {
    package struct Host: Sendable, Equatable {
        /// A name, an address, or the directory of a Unix socket.
        package var name: String
        package var port: UInt16

        package init(name: String, port: UInt16 = 5432) {
            self.name = name
            self.port = port
        }
    }

    package enum TLS: String, Sendable, CaseIterable {
        case verifyFull = "verify-full"
        case require
        case disable
    }

    package struct PoolLimits: Sendable, Equatable {
        /// Of this process; each loop has its share.
        package var min: Int
        package var max: Int
        /// How long a call waits for a connection, never longer than its deadline.
        package var wait: Duration

        package init(min: Int = 0, max: Int = 16, wait: Duration = .seconds(2)) {
            self.min = min
            self.max = max
            self.wait = wait
        }
    }

    /// Tried in order; empty where `service` names them.
    package var hosts: [Host] = []
    /// libpq's word for which of several hosts will do.
    package var targetSession = "any"
    package var database: String?
    package var user: String?
    /// Asked before each connection, on a thread that may block.
    package var password: (@Sendable () throws(BackendError) -> String)?
    package var tls = TLS.verifyFull
    package var caFile: String?
    package var certificateFile: String?
    package var keyFile: String?
    package var passfile: String?
    package var service: String?
    package var searchPath: [String] = []
    package var pool = PoolLimits()
    /// How long connecting to one host may take.
    package var connectTimeout = Duration.seconds(5)
    package var asCaller: PostgresCallerSettings?

    package init() {}
}

/// What a call's transaction takes from its caller, so that row-level security sees the person.
package struct PostgresCallerSettings: Sendable {
    package var role: CallerTemplate?
    package var settings: [(name: String, value: CallerTemplate)]

    package init(role: CallerTemplate?, settings: [(name: String, value: CallerTemplate)]) {
        self.role = role
        self.settings = settings
    }
}
