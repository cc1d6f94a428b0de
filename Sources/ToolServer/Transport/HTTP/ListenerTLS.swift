import EventLoop

/// The certificates of the HTTP listener, at the start and on each reload.
enum ListenerTLS {
    static func atStart(_ settings: ServerSettings) throws(CommandFailure) -> CurrentTLS? {
        try context(settings).map { CurrentTLS($0) }
    }

    /// Answers how the new certificate takes effect. One that cannot be used throws, so that the
    /// whole reload is refused and the certificate before it stays.
    static func renewal(
        of current: CurrentTLS?, by settings: ServerSettings
    ) throws(CommandFailure) -> @Sendable () -> Void {
        let next = try context(settings)
        guard (next == nil) == (current == nil) else {
            throw CommandFailure(
                "`http.tls` can be neither added nor removed by a reload; restart the server")
        }
        guard let current, let next else { return {} }
        return { current.replace(with: next) }
    }

    private static func context(
        _ settings: ServerSettings
    ) throws(CommandFailure) -> TLSServerContext? {
        guard let files = settings.http.tls else { return nil }
        do throws(ManifestError) { return try files.context() } catch {
            throw CommandFailure(error.text)
        }
    }
}
