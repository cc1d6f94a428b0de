package import JSON
import Synchronization

/// A tool with what the policy means for it, compiled once a catalogue.
package final class GuardedTool: Sendable {
    package let tool: Tool
    let policy: Policy
    /// For what was examined at load.
    let masks: MaskPlan
    /// For values wherever they stand.
    let values: ValueMasks
    /// How its answers are kept; nil where they are not.
    let keeping: BodyTerm?
    /// What arguments are masked with in the record, by value alone.
    let recordMask: DocumentMask
    /// What may be asked for; of the tool that asks.
    let offers: AccessOffers?
    /// In the order of the policy, without those that can never hold for this tool.
    let index: RuleIndex
    var rules: [Rule] { index.rules }
    /// The folded names of what is masked, with the label to record in place of a value.
    private let maskedNames: [[UInt8]: String]
    /// What the rules ask that a line of the record may hold only masked.
    let coveredTests: [CoveredTest]
    let askedClaims: [Name]
    /// Of the input schema, as the record names it.
    let schemaDigest: String
    /// The part of a record's line that is the same for every call of this tool.
    let recordMembers: [UInt8]
    /// For statements of callers that were examined before, by identity.
    private let known = Mutex<[ObjectIdentifier: StatementGuards]>([:])

    /// What the policy means for one examined call.
    struct StatementGuards {
        /// Held, so that no other examination gets its place in memory.
        let identity: Examination.Identity?
        let masks: MaskPlan
        let index: RuleIndex
        var rules: [Rule] { index.rules }
    }

    /// `catalog` is the digest of the manifests, for the record.
    package init(
        _ tool: Tool, policy: Policy, values: ValueMasks? = nil, catalog: String = "",
        keeping: BodyTerm? = nil
    ) {
        self.tool = tool
        self.keeping = keeping
        self.values = values ?? ValueMasks(policy: policy)
        recordMask = DocumentMask(self.values, Policy(), for: nil)
        self.policy = policy
        masks = MaskPlan(
            tool.examination, on: tool.backend, policy: policy, isSettled: true, as: tool.rowForm)
        offers = tool.operation.isAccess ? AccessOffers(policy.access) : nil
        let asking = tool.operation.isAccess ? policy.access.map(\.rule) : []
        let rules = (policy.rules + asking).filter { rule in
            rule.when.couldHold { Facts.known($0, of: tool) }
        }
        index = RuleIndex(rules)
        maskedNames = Dictionary(
            policy.masks.map { mask in
                let label = mask.target.label.text
                return (MaskRule.Target.folded(label), label)
            }, uniquingKeysWith: { first, _ in first })
        let lending = policy.access.filter {
            tool.operation.isAccess || $0.tools.contains(tool.name)
        }
        let granting =
            policy.grants.filter { $0.covers(tool) }.compactMap(\.condition)
            + lending.compactMap(\.condition)
        coveredTests = Self.distinct(
            (rules.map(\.when) + granting).flatMap(\.coveredTests))
        askedClaims = Set(
            coveredTests.compactMap { test in
                if case .callerClaim(let name) = test.fact { Name(name) } else { nil }
            }
        ).sorted()
        schemaDigest = Hex.encode(
            Array(SHA256.digest(tool.inputSchema.canonicalBytes).bytes.prefix(16)))
        recordMembers = Self.recordMembers(tool, schemaDigest, catalog)
    }

    private static func distinct(_ tests: [CoveredTest]) -> [CoveredTest] {
        var known: Set<Name> = []
        return tests.filter { known.insert(Name($0.id)).inserted }
    }

    private static func recordMembers(
        _ tool: Tool, _ schema: String, _ catalog: String
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.member("backend", tool.backend.text)
        writer.member("effect", tool.effect.rawValue)
        if !tool.tags.isEmpty { writer.member("tags", .array(tool.tags.map { .string($0.text) })) }
        switch tool.operation {
        case .sql(let sql): writer.member("statement", sql.text)
        case .freeSQL, .describe, .access: break
        case .http(let http): writer.member("method", http.method)
        }
        if tool.operation.isSettledAtLoad {
            FactsLine.write(tool.examination, whole: false, into: &writer)
        }
        writer.member("schema", schema)
        if !catalog.utf8.isEmpty { writer.member("catalog", catalog) }
        return writer.finish()
    }

    /// Whether a person may have to decide about a call of this tool.
    var mayBeHeld: Bool { rules.contains(where: \.mayHold) }

    /// More statements than this and the memory starts anew.
    private static let knownMax = 1_000

    /// The rules and masks for a call that was examined by itself.
    func guards(for examination: Examination) -> StatementGuards {
        if let identity = examination.identity,
            let guards = known.withLock({ $0[ObjectIdentifier(identity)] })
        {
            return guards
        }
        let guards = StatementGuards(
            identity: examination.identity,
            masks: MaskPlan(
                examination, on: tool.backend, policy: policy,
                isSettled: tool.operation.isSettledAtLoad, as: tool.rowForm),
            index: RuleIndex(
                rules.filter { rule in
                    rule.when.couldHold { fact in
                        Facts.known(fact, of: tool)
                            ?? Facts.known(fact, in: examination, of: tool.operation)
                    }
                }))
        if let identity = examination.identity {
            known.withLock { known in
                if known.count >= Self.knownMax { known = [:] }
                known[ObjectIdentifier(identity)] = guards
            }
        }
        return guards
    }

    /// What to record instead of the value of an argument, at any depth, that bears the name of
    /// something masked.
    func label(forArgument name: String) -> String? {
        maskedNames.isEmpty ? nil : maskedNames[MaskRule.Target.folded(name)]
    }

    /// The schema of this tool's `structuredContent`, masks included.
    /// Nil where there is none.
    package var outputSchema: JSONValue? {
        ResultSchema.make(for: tool, masks: masks, values: values, policy: policy)
    }
}
