import Enforcement
import EventLoop

/// Who sends this request? Asked the same way on every path that has to do with tools.
enum CallerAtTheDoor {
    /// `code` is nil where the request is malformed, so that nobody was looked for.
    struct TurnedAway: Error {
        let answer: HTTPResponse
        let told: String
        let code: Refusal.Code?
    }

    /// `exchange` nil: the body has not arrived, and nothing is remembered.
    static func identify(
        _ head: HTTPRequest, _ exchange: HTTPExchange?, to serving: Serving
    ) async throws(TurnedAway) -> IdentifiedCaller {
        let credential: Credential
        do throws(BearerCredential.Malformed) {
            try BearerCredential.refuseQuery(head)
            if let known = (exchange?.keepsake as? Introduction)?.caller(of: head, to: serving) {
                return known
            }
            credential = try BearerCredential.read(
                head, resource: serving.resource.url(of: head.path), isRehearsal: exchange == nil)
        } catch {
            throw TurnedAway(
                answer: serving.resource.malformed(error), told: error.told, code: nil)
        }
        do throws(Refusal) {
            let caller = try await serving.gate.identify(credential, at: head.peerAddress)
            exchange?.keepsake = Introduction(of: caller, by: head, to: serving)
            return caller
        } catch {
            throw TurnedAway(
                answer: serving.resource.unauthenticated(error), told: error.told,
                code: error.code)
        }
    }
}
