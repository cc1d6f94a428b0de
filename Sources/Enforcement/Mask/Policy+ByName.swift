extension Policy {
    /// With the rules about columns as rules about fields of their names, since what an argument
    /// means is known by its name alone. A column that is revealed to this viewer lifts no mask of
    /// another column of its name.
    package func byName(for viewer: Caller) -> Policy {
        var policy = self
        policy.masks = masks.map { rule in
            let isRevealed = reveals.contains { reveal in
                reveal.target == rule.target && reveal.to.include(viewer)
            }
            var rule = rule
            if isRevealed { rule.strategy = .keep }
            if case .column(_, let path) = rule.target { rule.target = .field(path.column) }
            return rule
        }
        policy.reveals = []
        return policy
    }
}
