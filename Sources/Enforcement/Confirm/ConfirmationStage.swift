// Does the caller themselves want this call?
//
// For tools that ask: a person at the client reads what would run and says yes. After the rules,
// or a person is asked about what is forbidden anyway; before the intent, since nothing is meant
// yet. It is the caller's own consent: a client may answer by itself, so it never stands for the
// approval of another person. One answer serves one call, exactly the one that was shown.

import JSON
import Synchronization

/// A call whose caller said yes where the tool asks.
package struct ConfirmedCall: Sendable {
    let screened: ScreenedCall
    /// The question that was answered; nil where none was asked.
    let question: String?

    fileprivate init(_ screened: ScreenedCall, question: String? = nil) {
        self.screened = screened
        self.question = question
    }
}

/// What asking needs: a place that remembers answers, and the key that seals questions.
package struct ConfirmationMeans: Sendable {
    let store: any StateStore
    let seal: RequestSeal

    package init(store: any StateStore, seal: RequestSeal) {
        self.store = store
        self.seal = seal
    }
}

package final class ConfirmationStage: Sendable {
    private let identity: IdentityStage
    private let means: ConfirmationMeans?
    private let now: @Sendable () -> Int
    /// Set when other rules took the place of those that this stage's calls passed.
    private let isOutdated = Atomic<Bool>(false)

    init(
        identity: IdentityStage, means: ConfirmationMeans?, now: @escaping @Sendable () -> Int
    ) {
        self.identity = identity
        self.means = means
        self.now = now
    }

    func outdate() { isOutdated.store(true, ordering: .relaxed) }

    func confirm(
        _ call: ScreenedCall, on trail: borrowing Trail
    ) async throws(Refusal) -> ConfirmedCall {
        let arrived = call.examined.scoped.arrived
        guard let confirmation = call.examined.scoped.tool.confirmation else {
            // A state that was never given for such a tool is somebody's attempt.
            if case .retry(let retry) = arrived.reach, retry.state != nil { throw .unknownState }
            return ConfirmedCall(call)
        }
        // Asked when approval was; the approval stage makes sure that this is still that call.
        if let question = arrived.resumption?.question {
            return ConfirmedCall(call, question: question)
        }
        // It is held while a person reads, and nobody reads so much.
        if JSONValue.object(arrived.arguments).isLarger(than: inlineBytesMax) {
            throw .tooLargeToAsk(call.examined.scoped.tool)
        }
        switch arrived.reach {
        case .none: throw .cannotAsk(call.examined.scoped.tool)
        case .retry(let retry): return try await confirm(call, confirmation, by: retry)
        case .stream(let prompt):
            return try await confirm(call, confirmation, by: prompt, on: trail)
        }
    }

    // MARK: The call comes again

    private func confirm(
        _ call: ScreenedCall, _ confirmation: Confirmation, by retry: CallerReach.Retry
    ) async throws(Refusal) -> ConfirmedCall {
        guard let means else { throw .withoutState }
        let scoped = call.examined.scoped
        let message = Self.message(confirmation, scoped)
        let binding = RequestSeal.Binding(
            caller: scoped.caller, method: "tools/call", tool: scoped.guarded,
            arguments: scoped.arrived.arguments, matter: message)
        var opened: RequestSeal.Opened?
        if let state = retry.state {
            opened = means.seal.open(state, for: binding, now: now())
            if opened == nil { throw .unknownState }
        }
        guard let opened, let response = retry.responses[Question.key] else {
            guard retry.showsForms else {
                throw .cannotAsk(
                    call.examined.scoped.tool, demanding: confirmation.unasked == .error)
            }
            throw try ask(message, binding, means, for: confirmation.expires)
        }
        guard let answer = ConfirmationAnswer(response) else { throw .unreadableAnswer(opened.id) }
        try await spend(opened, means)
        return try judged(answer, call, question: opened.id)
    }

    private func ask(
        _ message: String, _ binding: RequestSeal.Binding, _ means: ConfirmationMeans,
        for seconds: Int
    ) throws(Refusal) -> Refusal {
        do throws(CryptoError) {
            let (text, opened) = try means.seal.seal(binding, expires: now() + seconds)
            return .asking(Question(id: opened.id, message: message, state: text))
        } catch { throw .withoutState }
    }

    /// Any answer uses the question up: a no must not become a yes by asking the server again.
    private func spend(
        _ opened: RequestSeal.Opened, _ means: ConfirmationMeans
    ) async throws(Refusal) {
        let isFirst: Bool
        do throws(StateError) {
            isFirst = try await means.store.spend(opened.nonce, until: opened.expires)
        } catch { throw Refusal(error) }
        guard isFirst else { throw .unknownState }
    }

    // MARK: The call waits

    private func confirm(
        _ call: ScreenedCall, _ confirmation: Confirmation, by prompt: any CallerPrompt,
        on trail: borrowing Trail
    ) async throws(Refusal) -> ConfirmedCall {
        guard let random = try? randomBytes(9) else { throw .withoutState }
        let question = Question(
            id: Base64URL.encode(random), message: Self.message(confirmation, call.examined.scoped),
            state: nil)
        try await trail.ask(question)
        let outcome = await prompt.ask(question, within: .seconds(confirmation.expires))
        guard case .result(let result) = outcome else { throw .unanswered(outcome, question.id) }
        guard let answer = ConfirmationAnswer(result) else { throw .unreadableAnswer(question.id) }
        let confirmed = try judged(answer, call, question: question.id)
        // Minutes may have passed: what was true of the caller and of the rules must be true now.
        _ = try await identity.confirm(call.examined.scoped.arrived)
        guard !isOutdated.load(ordering: .relaxed) else { throw .outdated }
        return confirmed
    }

    // MARK: Both

    private func judged(
        _ answer: ConfirmationAnswer, _ call: ScreenedCall, question: String
    ) throws(Refusal) -> ConfirmedCall {
        switch answer {
        case .accepted: return ConfirmedCall(call, question: question)
        case .declined: throw .declined(question)
        case .dismissed: throw .dismissed(question)
        }
    }

    /// The manifest's question, and the whole call below it: nobody can want what they do not see.
    private static func message(_ confirmation: Confirmation, _ call: ScopedCall) -> String {
        let arguments = JSONValue.object(call.arrived.arguments).canonicalBytes
        let shown = VisibleText.escaped(String(decoding: arguments, as: UTF8.self))
        return "\(confirmation.question)\n\n\(call.tool.name) \(shown)"
    }
}

/// Text in which nothing hides: what turns, covers or swallows its neighbours is spelled out.
enum VisibleText {
    static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isHidden) else { return text }
        var shown = ""
        for scalar in text.unicodeScalars {
            if isHidden(scalar) {
                shown += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
            .unassigned:
            true
        default: scalar.properties.isDefaultIgnorableCodePoint
        }
    }
}
