package import JSON

/// Which callers may use which tools, and when. Without a grant a tool does not exist.
package struct Grant: Sendable {
    /// Globs of scopes; the tool's own scope must be one of them.
    package var scopes: [Name]
    /// Globs of names that narrow it.
    package var tools: [Name]
    package var to: Grantees
    /// What must hold of caller, call and time besides; nil: nothing.
    package var condition: Condition?
    /// Seconds since 1970: the first at which it holds, and the first at which it does not.
    package var from: Int?
    package var until: Int?
    /// Where it stands, for people.
    package var place: String
    /// Gives the tool that asks for others, which no grant of a policy does.
    var isForAsking = false

    package init(
        scopes: [Name], tools: [Name] = ["*"], groups: [Name] = [], subjects: [Name] = [],
        of issuers: Grantees.Issuers = .any, where condition: Condition? = nil, from: Int? = nil,
        until: Int? = nil, place: String = ""
    ) {
        self.scopes = scopes
        self.tools = tools
        to = Grantees(groups: groups, subjects: subjects, of: issuers)
        self.condition = condition
        self.from = from
        self.until = until
        self.place = place
    }

    package func covers(_ tool: Tool) -> Bool {
        tool.operation.isAccess == isForAsking
            && scopes.contains { Glob.matches($0.text, tool.scope.text) }
            && tools.contains { Glob.matches($0.text, tool.name.text) }
    }
}

/// Callers by the names that an issuer gives them. The same name from another issuer is another
/// person: whoever runs that one chooses its names.
package struct Grantees: Sendable, Equatable {
    package enum Issuers: Sendable, Equatable {
        /// Said on purpose: the names mean the same whoever vouches for them.
        case any
        case of([Name])
    }

    package var groups: [Name]
    package var subjects: [Name]
    package var issuers: Issuers

    package init(groups: [Name] = [], subjects: [Name] = [], of issuers: Issuers = .any) {
        self.groups = groups
        self.subjects = subjects
        self.issuers = issuers
    }

    package func include(_ caller: Caller) -> Bool {
        trusts(caller.issuer)
            && (subjects.contains { $0.text.isByteEqual(to: caller.subject) }
                || groups.contains { caller.groups.contains($0) })
    }

    /// Whether this issuer's word counts here.
    package func trusts(_ issuer: String) -> Bool {
        switch issuers {
        case .any: true
        case .of(let names): names.contains { $0.text.isByteEqual(to: issuer) }
        }
    }
}
