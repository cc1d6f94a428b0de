import Enforcement
import Glibc
import JSON

/// What a record tells of somebody who abuses what they may do.
enum RiskSign: String, CaseIterable {
    /// Many calls at an hour at which they never work.
    case hours
    /// Many rows, or calls, in a short time.
    case volume
    /// One token from several addresses or clients.
    case places
    /// Refused again and again.
    case denials
    /// The same question for one key after the other.
    case keys
}

/// One sign of one caller, from when it could be seen until it could no more.
struct RiskFinding {
    let sign: RiskSign
    /// 1 to 99.
    fileprivate(set) var score: Int
    fileprivate(set) var why: String
    fileprivate(set) var calls: [WatchedCall]
    /// Calls that made it up and are not among `calls`.
    fileprivate(set) var more = 0

    /// Beyond these they are counted.
    static let callsMax = 1_000

    var first: Int { calls.first?.at ?? 0 }
    fileprivate(set) var last: Int

    /// 40 where `amount` is just too much, and more each time it doubles.
    static func score(_ amount: Int, over floor: Int, each doubling: Int = 15) -> Int {
        let doublings = log2(Double(max(amount, 1)) / Double(max(floor, 1)))
        return 40 + Int(doublings.rounded(.down)) * doubling
    }

    /// How much several signs say together.
    static func together(_ scores: [Int]) -> Int {
        let unlikely = scores.reduce(1.0) { $0 * (1 - Double($1) / 100) }
        return min(99, Int((100 * (1 - unlikely)).rounded()))
    }
}

/// A sign while it can be seen.
struct RiskEpisode {
    private let sign: RiskSign
    private var open: RiskFinding?

    init(_ sign: RiskSign) { self.sign = sign }

    /// The call belongs to it. Those before it that made it up are `earlier`, the call among them.
    mutating func goOn(
        with call: WatchedCall, after earlier: some Sequence<WatchedCall>, score: Int,
        why: () -> String
    ) {
        let score = min(99, score)
        guard var finding = open else {
            open = RiskFinding(
                sign: sign, score: score, why: why(), calls: Array(earlier), last: call.at)
            return
        }
        open = nil
        if finding.calls.count < RiskFinding.callsMax {
            finding.calls.append(call)
        } else {
            finding.more += 1
        }
        finding.last = call.at
        if score >= finding.score {
            finding.score = score
            finding.why = why()
        }
        open = finding
    }

    mutating func end() -> [RiskFinding] {
        guard let finding = open else { return [] }
        open = nil
        return [finding]
    }
}

/// Watches calls that belong together.
protocol RiskDetector {
    /// What came to its end with this call.
    mutating func take(_ call: WatchedCall) -> [RiskFinding]
    mutating func end() -> [RiskFinding]
}
