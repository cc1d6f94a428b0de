import JSON

/// What a client says that it can, as far as we make use of it.
struct ClientCapabilities: Sendable, Equatable {
    /// `elicitation` in form mode: it can ask its person something for us.
    var showsForms: Bool
    var followsTasks: Bool

    static let none = ClientCapabilities(nil)
    static let tasksExtension = "io.modelcontextprotocol/tasks"

    /// `declared` is the value of `capabilities` in `initialize`, or of the envelope's
    /// `clientCapabilities`.
    init(_ declared: JSONValue?) {
        switch declared?["elicitation"]?.object {
        // Empty means forms, since it did before there was another mode.
        case let modes?: showsForms = modes.isEmpty || modes["form"]?.object != nil
        case nil: showsForms = false
        }
        followsTasks = declared?["extensions"]?[Self.tasksExtension]?.object != nil
    }

    /// Of this request alone: the stateless era infers nothing from earlier ones.
    init(of request: Request) { self.init(request.meta?[Envelope.capabilitiesKey]) }
}
