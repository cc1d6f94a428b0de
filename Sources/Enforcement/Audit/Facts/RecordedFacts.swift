import JSON
import Synchronization

/// What a line of the record says of the facts of its call, where it does not hold the values.
package final class RecordedFacts: Sendable {
    private let covered: [String]
    private let claims: [Name]
    private let tests: [Name: Verdict]
    /// What had been granted for a while and let the call pass.
    let grant: Name?
    private let wasAskedInVain = Atomic<Bool>(false)

    init(covered: [String], claims: [Name], tests: [Name: Verdict], grant: Name? = nil) {
        self.grant = grant
        self.covered = covered
        self.claims = claims
        self.tests = tests
    }

    /// Whether some rule asked what the record cannot say. It counted as matched, as always where
    /// a rule cannot be evaluated.
    var isUncertain: Bool { wasAskedInVain.load(ordering: .relaxed) }

    /// Nil where the recorded value is the real one.
    func verdict(_ fact: Fact, _ test: Test) -> Verdict? {
        guard let name = fact.coveredName else { return nil }
        switch fact {
        case .callerClaim(let claim): if claims.contains(Name(claim)) { return nil }
        default: if !fact.isNeverRecorded, !Self.isCovered(name, by: covered) { return nil }
        }
        if let verdict = tests[Name(CoveredTest.id(name, test))] { return verdict }
        wasAskedInVain.store(true, ordering: .relaxed)
        return .unknown
    }

    /// `argument` covers all: the name of one was itself a value.
    static func isCovered(_ name: String, by covered: [String]) -> Bool {
        let isArgument = name.utf8.starts(with: "argument.".utf8)
        return covered.contains { other in
            other.isByteEqual(to: name)
                || isArgument && other.isByteEqual(to: "argument")
                || name.isByteEqual(to: "argument.*")
                    && other.utf8.starts(with: "argument".utf8)
        }
    }
}
