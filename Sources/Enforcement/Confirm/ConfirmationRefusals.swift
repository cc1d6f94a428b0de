import JSON

extension Refusal {
    static func asking(_ question: Question) -> Refusal {
        var refusal = Refusal(
            .confirmationRequired, "This tool asks its caller first.", noted: asked(question.id))
        refusal.question = question
        return refusal
    }

    /// One answer for whatever is wrong with a state: altered, another's, another call's, too old,
    /// used. To tell them apart would help nobody but who tries.
    static var unknownState: Refusal {
        Refusal(
            .confirmationState,
            "`requestState` is not one that is good for this call. Send the call without it to be asked again."
        )
    }

    static func unreadableAnswer(_ question: String) -> Refusal {
        Refusal(
            .confirmationAnswer,
            "The answer to the question is not an answer to its form: `action` is accept, decline or cancel, and an accepted form has the boolean `\(Question.box)`. Nothing was done. Call again and answer in that form.",
            noted: asked(question))
    }

    static func declined(_ question: String) -> Refusal {
        Refusal(
            .confirmationDeclined,
            "The user was asked about exactly this call and said no. Nothing was done. Do not make the call again unless the user asks for it.",
            noted: asked(question))
    }

    static func dismissed(_ question: String) -> Refusal {
        Refusal(
            .confirmationDismissed,
            "The user was asked about this call and closed the question without an answer. Nothing was done. Ask the user whether to go on before making the call again.",
            noted: asked(question))
    }

    static func unanswered(_ outcome: PromptOutcome, _ question: String) -> Refusal {
        switch outcome {
        case .timedOut:
            Refusal(
                .confirmationTimedOut,
                "The user was asked about this call and did not answer in time. Nothing was done. Make the call again when the user is there.",
                noted: asked(question))
        case .failed, .result:
            Refusal(
                .confirmationUnreachable,
                "This tool asks the user first, and this client could not show the question. Nothing was done. Tell the user to run it where questions can be shown.",
                noted: asked(question))
        case .gone:
            Refusal(
                .cancelled, "The call was cancelled while its question was open. Nothing was done.",
                noted: asked(question))
        }
    }

    static func cannotAsk(_ tool: Tool, demanding: Bool = false) -> Refusal {
        var refusal = Refusal(
            .confirmationUnreachable,
            "`\(tool.name)` asks the user first, and this client shows no questions (it did not declare `elicitation`). Nothing was done. Tell the user to run it from a client that does."
        )
        if demanding { refusal.demands = .elicitation }
        return refusal
    }

    static func tooLargeToAsk(_ tool: Tool) -> Refusal {
        Refusal(
            .confirmationUnreachable,
            "`\(tool.name)` asks the user first, and nobody can read arguments of more than 64 KiB. Nothing was done. Split the call."
        )
    }

    static var outdated: Refusal {
        Refusal(
            .confirmationOutdated,
            "The rules changed while the question was open, so the answer is not used. Nothing was done. Make the call again to be asked under the rules of now."
        )
    }

    static var withoutState: Refusal {
        Refusal(
            .stateUnavailable,
            "This call needs the server's state, which it cannot use at the moment. Nothing was done. Try again in a minute; if it persists, tell the operator."
        )
    }

    package init(_ error: StateError) {
        self = .withoutState
        noted = error.detail
        if error.reason == .busy { retryAfterSeconds = 2 }
    }

    private static func asked(_ question: String) -> String { "question \(question)" }
}
