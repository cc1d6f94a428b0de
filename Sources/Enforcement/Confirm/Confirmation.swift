package import JSON

/// What a tool wants to hear from its caller before it runs.
package struct Confirmation: Sendable {
    /// What becomes of a call whose client cannot ask.
    package enum Unasked: String, Sendable, CaseIterable {
        /// A tool error that the model reads.
        case refuse
        /// The protocol's own error for a missing capability, where the revision has one.
        case error
    }

    package var question: String
    package var unasked: Unasked
    /// How long the question is good, in seconds.
    package var expires: Int

    package static let expiresStandard = 300

    package init(
        question: String, unasked: Unasked = .refuse, expires: Int = expiresStandard
    ) {
        self.question = question
        self.unasked = unasked
        self.expires = expires
    }
}

/// One question to the caller about one call, as a form with one box to tick.
package final class Question: Sendable {
    /// For the record, and as the key of the answer.
    package let id: String
    /// What the person reads.
    package let message: String
    /// What the client brings back with the answer; nil where it is asked while the call waits.
    package let state: String?

    init(id: String, message: String, state: String?) {
        self.id = id
        self.message = message
        self.state = state
    }

    /// The name of the question among the requests of an answer that asks.
    package static let key = "confirm"
    /// The box. It has no default: a client that fills in defaults has not asked anybody.
    package static let box = "confirm"

    package static let form: JSONValue = [
        "type": "object",
        "properties": [
            "confirm": [
                "type": "boolean", "title": "Go ahead",
                "description": "Yes: make exactly this call. No: do nothing.",
            ]
        ],
        "required": ["confirm"],
    ]
}

/// How a call's caller can be asked.
package enum CallerReach: Sendable {
    case none
    /// The answer to the call is the question; the same call comes again with the answer.
    case retry(Retry)
    /// On the call's own stream, while it waits.
    case stream(any CallerPrompt)

    package struct Retry: Sendable {
        /// Whether this client shows forms.
        package var showsForms: Bool
        /// What the call brought back: nil when it comes for the first time.
        package var state: String?
        package var responses: JSONObject

        package init(showsForms: Bool, state: String? = nil, responses: JSONObject = JSONObject()) {
            self.showsForms = showsForms
            self.state = state
            self.responses = responses
        }
    }
}

package protocol CallerPrompt: Sendable {
    /// Waits for the answer of the caller's own client, for at most `limit`.
    func ask(_ question: Question, within limit: Duration) async -> PromptOutcome
}

package enum PromptOutcome: Sendable {
    /// The result that the client sent, whatever it holds.
    case result(JSONValue)
    /// The client answered with an error.
    case failed
    case timedOut
    /// The call was cancelled, or nobody listens.
    case gone
}

/// What a person said to a question.
enum ConfirmationAnswer: Sendable {
    case accepted, declined, dismissed

    private static let schema = try? JSONSchema(Question.form)

    /// nil for what is no answer to our form. Names that the form does not have are ignored.
    init?(_ result: JSONValue) {
        guard result.object != nil, let action = result["action"]?.string else { return nil }
        if action.isByteEqual(to: "accept") {
            let content = result["content"] ?? .null
            guard let schema = Self.schema, schema.violations(in: content).isEmpty else {
                return nil
            }
            self = content[Question.box]?.bool == true ? .accepted : .declined
        } else if action.isByteEqual(to: "decline") {
            self = .declined
        } else if action.isByteEqual(to: "cancel") {
            self = .dismissed
        } else {
            return nil
        }
    }
}
