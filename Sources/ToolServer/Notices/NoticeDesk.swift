import Backends
import Enforcement
import EventLoop
import JSON

/// The places of one process that are told of requests for approval, each on a task of its own.
final class NoticeDesk: Sendable {
    private let tellers: [NoticeTeller]
    private let state: StateDatabase
    private let aside: TasksAside

    init(
        _ notices: [NoticeSettings], state: StateDatabase, workers: WorkerPool,
        rules: @escaping @Sendable () -> MaskRules?
    ) throws {
        self.state = state
        aside = try TasksAside("notices", areNone: notices.isEmpty)
        let names = SystemNameLookup(threads: 1)
        tellers = try notices.map { notice in
            switch notice.way {
            case .webhook(let webhook):
                try Self.teller(notice.name, webhook, state, workers, names, rules)
            case .mail(let mail): Self.teller(notice.name, mail, state, workers, rules)
            }
        }
    }

    private static func teller(
        _ name: Name, _ webhook: NoticeSettings.Webhook, _ state: StateDatabase,
        _ workers: WorkerPool, _ names: SystemNameLookup,
        _ rules: @escaping @Sendable () -> MaskRules?
    ) throws -> NoticeTeller {
        let place = try DeliveryPlace.made(
            webhook.url, networks: webhook.networks, authorities: webhook.authorities,
            application: "http/1.1", of: "notice \(name)")
        let delivery = WebhookDelivery(place, names: names)
        let key = KeptSecret(webhook.secret, workers)
        return NoticeTeller(
            name: name, form: { message, _ in message.body(webhook.shape) }, store: state,
            rules: rules, now: WallClock.seconds,
            deliver: { (body, id, now) async throws(DeliveryFailure) in
                let secret: String
                do throws(BackendError) { secret = try await key.value() } catch {
                    throw DeliveryFailure(reason: "the secret cannot be read")
                }
                try await delivery.deliver(
                    body, as: "application/json", batch: id.text, at: now, key: Array(secret.utf8))
            })
    }

    private static func teller(
        _ name: Name, _ mail: NoticeSettings.Mail, _ state: StateDatabase, _ workers: WorkerPool,
        _ rules: @escaping @Sendable () -> MaskRules?
    ) -> NoticeTeller {
        let delivery = SendmailDelivery(mail: mail)
        return NoticeTeller(
            name: name, form: { $0.mail(mail, id: $1) }, store: state, rules: rules,
            now: WallClock.seconds,
            deliver: { (message, _, _) async throws(DeliveryFailure) in
                let outcome = try? await workers.run { _ in
                    Result { () throws(DeliveryFailure) in try delivery.deliver(message) }
                }
                guard let outcome else { throw DeliveryFailure(reason: "all workers are taken") }
                try outcome.get()
            })
    }

    func start() {
        aside.start(tellers.map { teller in { [state] in await Self.run(teller, state, on: $0) } })
    }

    /// What has not arrived goes on at the next start.
    func stop() async { await aside.stop() }

    private static func run(_ teller: NoticeTeller, _ state: StateDatabase, on loop: EventLoop)
        async
    {
        var told: Set<Name> = []
        var failure: String?
        var count = 0
        while !Task.isCancelled {
            // The latest at each change, all of them now and then: who is many slows nobody down.
            let round = await teller.round(&told, most: count % 30 == 0 ? 10_000 : 200)
            count += 1
            if round.failure != failure {
                failure = round.failure
                StandardStream.error.line(
                    "notice \(teller.name): \(failure ?? "notices arrive again")")
            }
            await state.anyChange(within: .seconds(round.next))
            // One look serves many changes.
            do throws(CancellationError) { try await loop.sleep(for: .milliseconds(250)) } catch {
                return
            }
        }
    }
}
