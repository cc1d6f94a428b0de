internal import Enforcement

/// The options of one connection as libpq wants them: pairs of keyword and value.
///
/// What this file does not set, libpq takes from its defaults and the environment; so everything
/// that decides whom we trust, or in which form values come, is set here.
struct PostgresConnectionString {
    private(set) var keywords: [String] = []
    private(set) var values: [String] = []

    init(_ options: PostgresOptions) throws(BackendError) {
        add("service", options.service)
        if !options.hosts.isEmpty {
            add("host", options.hosts.map(\.name).joined(separator: ","))
            add("port", options.hosts.map { String($0.port) }.joined(separator: ","))
        }
        add("target_session_attrs", options.targetSession)
        add("dbname", options.database)
        add("user", options.user)
        if let password = options.password { add("password", try password()) }
        add("passfile", options.passfile)
        addTLS(options)
        addPatience(options)
        add("application_name", "toolserver")
        add("client_encoding", "UTF8")
        add("options", Self.settings(options.searchPath))
    }

    private mutating func add(_ keyword: String, _ value: String?) {
        guard let value else { return }
        keywords.append(keyword)
        values.append(value)
    }

    private mutating func addTLS(_ options: PostgresOptions) {
        add("sslmode", options.tls.rawValue)
        add("ssl_min_protocol_version", "TLSv1.2")
        // The other way of encrypting would pass by what `tls` says.
        add("gssencmode", "disable")
        // Without a file of its own, libpq would look into a home directory and know no authority.
        if options.tls == .verifyFull {
            add("sslrootcert", options.caFile ?? Self.systemAuthorities)
        } else {
            add("sslrootcert", options.caFile)
        }
        add("sslcert", options.certificateFile)
        add("sslkey", options.keyFile)
    }

    /// Where Debian, Ubuntu, Alpine and Red Hat keep, or link, the authorities of the system.
    private static let systemAuthorities = "/etc/ssl/certs/ca-certificates.crt"

    /// A peer that is gone without a word is noticed within ten seconds.
    private mutating func addPatience(_ options: PostgresOptions) {
        add("connect_timeout", String(max(2, options.connectTimeout.components.seconds)))
        add("keepalives", "1")
        add("keepalives_idle", "10")
        add("keepalives_interval", "3")
        add("keepalives_count", "3")
        add("tcp_user_timeout", "10000")
    }

    /// Settings of the start, to which RESET returns: the form of values, and a server that stops
    /// working for a client that is gone.
    static func settings(_ searchPath: [String]) -> String {
        var settings = [
            ("DateStyle", "ISO,YMD"), ("IntervalStyle", "iso_8601"), ("bytea_output", "hex"),
            ("extra_float_digits", "1"), ("standard_conforming_strings", "on"),
            ("client_connection_check_interval", "1000"),
            ("idle_in_transaction_session_timeout", "60000"),
        ]
        if !searchPath.isEmpty {
            settings.append(
                ("search_path", searchPath.map(quotedIdentifier).joined(separator: ",")))
        }
        return settings.map { "-c \($0.0)=\(escaped($0.1))" }.joined(separator: " ")
    }

    static func quotedIdentifier(_ name: String) -> String {
        var quoted: [UInt8] = [UInt8(ascii: "\"")]
        for byte in name.utf8 {
            if byte == UInt8(ascii: "\"") { quoted.append(byte) }
            quoted.append(byte)
        }
        quoted.append(UInt8(ascii: "\""))
        return String(decoding: quoted, as: UTF8.self)
    }

    /// The server splits its command line at white space unless a backslash stands before it.
    private static func escaped(_ value: String) -> String {
        var escaped: [UInt8] = []
        for byte in value.utf8 {
            if byte == 0x20 || (0x09...0x0D).contains(byte) || byte == UInt8(ascii: "\\") {
                escaped.append(UInt8(ascii: "\\"))
            }
            escaped.append(byte)
        }
        return String(decoding: escaped, as: UTF8.self)
    }
}
