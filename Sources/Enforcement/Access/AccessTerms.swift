package import JSON

/// Which tools, and for how long.
package struct AccessTerms: Sendable, Equatable {
    package var tools: [Name]
    package var seconds: Int

    /// As an approver wants it, in place of what was asked; nil: as it is.
    package struct Narrowing: Sendable {
        package var tools: [Name]?
        package var seconds: Int?

        package init(tools: [Name]? = nil, seconds: Int? = nil) {
            self.tools = tools
            self.seconds = seconds
        }
    }

    /// As its caller asks; nil for arguments of another form.
    init?(_ arguments: JSONObject) {
        guard let tools = [Name](arguments["tools"]), !tools.isEmpty,
            let minutes = arguments["minutes"]?.int,
            (1...AccessOffer.longestMax / 60).contains(minutes)
        else { return nil }
        self.tools = tools
        seconds = minutes * 60
    }

    /// Never wider: what cannot be taken away is refused, so that nobody believes they gave more.
    func narrowed(by wish: Narrowing) throws(ApprovalObjection) -> AccessTerms {
        var terms = self
        if let tools = wish.tools {
            guard let first = tools.first(where: { !terms.tools.contains($0) }) else {
                terms.tools = terms.tools.filter { tools.contains($0) }
                guard !terms.tools.isEmpty else { throw .nothingLeft }
                return try terms.narrowed(by: Narrowing(seconds: wish.seconds))
            }
            throw .wider("`\(first)` is not among the tools that it is about")
        }
        if let seconds = wish.seconds {
            guard seconds > 0 else { throw .nothingLeft }
            guard seconds <= terms.seconds else {
                throw .wider("it is about \(terms.seconds) seconds")
            }
            terms.seconds = seconds
        }
        return terms
    }

    var json: JSONValue { ["tools": tools.json, "seconds": .number(JSONNumber(seconds))] }

    /// As `json` writes it.
    init?(stored value: JSONValue) {
        guard let tools = [Name](value["tools"]), !tools.isEmpty,
            let seconds = value["seconds"]?.int,
            (1...AccessOffer.longestMax).contains(seconds)
        else { return nil }
        self.tools = tools
        self.seconds = seconds
    }
}

extension ApprovalRequest {
    /// Whether it is for access, and not for one call.
    package var isForAccess: Bool { tool == AccessTool.name && backend == AccessTool.backend }

    /// What would be granted, as the approvers left it; nil for requests about one call.
    package var terms: AccessTerms? {
        isForAccess ? narrowed ?? AccessTerms(arguments) : nil
    }

    /// Together with a yes. Nobody's yes before it was to less than is left.
    mutating func narrow(_ wish: AccessTerms.Narrowing) throws(ApprovalObjection) {
        guard let terms else { throw .notForAccess }
        narrowed = try terms.narrowed(by: wish)
    }
}
