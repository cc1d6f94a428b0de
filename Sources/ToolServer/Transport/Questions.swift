import Enforcement
import EventLoop
import JSON
import Synchronization

/// Questions to clients of the handshake era that have no answer yet.
///
/// The question goes out on its call's stream; the answer comes as a message of its own, over HTTP
/// on another connection. It counts only from the session and the caller that were asked, under an
/// id that nobody else can know.
final class Questions: Sendable {
    /// Who is asked, and where.
    struct Addressee: Hashable, Sendable {
        /// Sealed to its caller; empty on a pipe, which has one client.
        let session: Name
        let caller: Digest32

        init(session: String, caller: IdentifiedCaller) {
            self.session = Name(session)
            self.caller = caller.caller.mark
        }
    }

    private struct Key: Hashable {
        let addressee: Addressee
        let id: Name
    }

    private let open = Mutex<[Key: Answer]>([:])
    private let most: Int

    /// Calls that wait hold no thread; `most` bounds their memory.
    init(most: Int = 10_000) { self.most = most }

    var count: Int { open.withLock { $0.count } }

    /// An answer that one task waits for. The first end counts.
    private final class Answer: Sendable {
        private enum State {
            case awaited
            case parked(CheckedContinuation<PromptOutcome, Never>)
            case over(PromptOutcome)
        }

        private let state = Mutex(State.awaited)

        func give(_ outcome: PromptOutcome) {
            let parked: CheckedContinuation<PromptOutcome, Never>? = state.withLock { state in
                switch state {
                case .over: return nil
                case .awaited:
                    state = .over(outcome)
                    return nil
                case .parked(let continuation):
                    state = .over(outcome)
                    return continuation
                }
            }
            parked?.resume(returning: outcome)
        }

        func wait() async -> PromptOutcome {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let known: PromptOutcome? = state.withLock { state in
                        if case .over(let outcome) = state { return outcome }
                        state = .parked(continuation)
                        return nil
                    }
                    if let known { continuation.resume(returning: known) }
                }
            } onCancel: {
                give(.gone)
            }
        }
    }

    /// A message of the client that is no request. False when nobody waits for it.
    @discardableResult
    func receive(_ response: Response, from addressee: Addressee) -> Bool {
        guard case .string(let id)? = response.id else { return false }
        let key = Key(addressee: addressee, id: id)
        guard let answer = open.withLock({ $0.removeValue(forKey: key) }) else { return false }
        answer.give(response.result.map { .result($0) } ?? .failed)
        return true
    }

    func ask(
        _ question: Question, of addressee: Addressee, over channel: any ClientChannel,
        within limit: Duration
    ) async -> PromptOutcome {
        let key = Key(addressee: addressee, id: Name(question.id))
        let answer = Answer()
        let isOpen = open.withLock { open in
            guard open.count < most else { return false }
            open[key] = answer
            return true
        }
        guard isOpen else { return .failed }
        defer { _ = open.withLock { $0.removeValue(forKey: key) } }
        guard await channel.send(InputRequired.request(question, id: question.id)) else {
            return .gone
        }
        let timer = Task(executorPreference: channel.loop) {
            do { try await channel.loop.sleep(for: limit) } catch { return }
            answer.give(.timedOut)
        }
        let outcome = await answer.wait()
        timer.cancel()
        switch outcome {
        case .timedOut, .gone: await withdraw(question, channel)
        case .result, .failed: break
        }
        return outcome
    }

    /// Nobody can answer any more.
    func endAll() {
        for answer in open.withLock({ Array($0.values) }) { answer.give(.gone) }
    }

    /// So that the client closes a question that nobody waits for any more.
    private func withdraw(_ question: Question, _ channel: any ClientChannel) async {
        _ = await channel.send(
            Reply.notification(
                "notifications/cancelled",
                params: ["requestId": .string(question.id), "reason": "no longer needed"]))
    }
}

/// Asks the client of one call, on that call's stream.
struct ChannelPrompt: CallerPrompt {
    let questions: Questions
    let addressee: Questions.Addressee
    let channel: any ClientChannel

    func ask(_ question: Question, within limit: Duration) async -> PromptOutcome {
        await questions.ask(question, of: addressee, over: channel, within: limit)
    }
}
