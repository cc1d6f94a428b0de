enum AuditCommand {
    static func run(_ words: some Sequence<String>) throws -> ExitCode { .done }
}
