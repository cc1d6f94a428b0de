import JSON

/// What callers may use beside what the policy grants for good: what they asked for and people
/// granted, as long as they may still ask for it.
struct Lending: Sendable {
    private let offers: AccessOffers
    /// Nil where nothing is ever lent: for those who ask what grants and rules say.
    private let book: AccessBook?

    init(_ offers: AccessOffers, _ book: AccessBook?) {
        self.offers = offers
        self.book = book
    }

    /// The grant under which the call may go on; nil where there is none. Throws where nobody can
    /// know.
    func grant(on question: ScopeQuestion) throws(Refusal) -> Name? {
        let holding = offers.holding(for: question.tool.name, question)
        if holding.isEmpty { return nil }
        if let recorded = question.recorded { return recorded.grant }
        guard let book else { return nil }
        guard let grants = book.grants(of: question.caller, at: question.now) else {
            throw .grantsUnreadable
        }
        return Self.best(grants, for: question.tool.name, under: holding)
    }

    /// The same, where what nobody knows is not lent.
    func isLent(on question: ScopeQuestion) -> Bool {
        (try? grant(on: question)) != nil
    }

    /// The one that holds longest.
    private static func best(
        _ grants: [AccessGrant], for tool: Name, under holding: [AccessOffer]
    ) -> Name? {
        grants.filter { grant in
            grant.tools.contains(tool)
                && holding.contains { offer in grant.offers.contains(offer.id) }
        }.max { $0.until < $1.until }?.id
    }

    /// For how many seconds at most this caller may ask for the tool; nil where they may not.
    func longest(on question: ScopeQuestion) -> Int? {
        offers.holding(for: question.tool.name, question).map(\.longest).min()
    }

    func mayLend(to caller: Caller, at now: Int) -> Bool {
        guard !offers.isEmpty, let book else { return false }
        return book.grants(of: caller, at: now).map { !$0.isEmpty } ?? true
    }

    func schema(
        for caller: Caller, via: Transport?, at now: Int, _ tools: [GuardedTool]
    ) -> JSONValue? {
        var offered: [(name: Name, title: String)] = []
        var (longest, wantsReason) = (60, true)
        for guarded in tools {
            let question = ScopeQuestion(
                caller: caller, tool: guarded.tool, via: via, arguments: nil, now: now)
            let holding = offers.holding(for: guarded.tool.name, question)
            guard let most = holding.map(\.longest).min() else { continue }
            offered.append((guarded.tool.name, guarded.tool.title))
            longest = max(longest, most)
            wantsReason = wantsReason && holding.contains(where: \.demand.wantsReason)
        }
        guard !offered.isEmpty else { return nil }
        return AccessTool.schema(longest: longest, wantsReason: wantsReason, offered: offered)
    }
}
