// One client, one pipe: a message a line, both eras.
//
// Every message chooses its era by itself; requests run beside each other, so a slow one holds up
// none. A client that has shaken hands is told, unasked, when its tools have changed. Standard
// output carries nothing but messages. It must never answer a call for which the process that
// started us could not be identified.

import Enforcement
import EventLoop
import Glibc
import JSON
import Synchronization

final class StdioTransport: ClientChannel, Sendable {
    /// Beyond this many calls at once the pipe is not read until some have ended.
    static let callsMax = 100
    static let drainLimit = Duration.seconds(5)
    private static let cancelLimit = Duration.milliseconds(500)

    private let current: CurrentServing
    /// A pipe is one session; what the record names it by.
    private let session = (try? randomBytes(12)).map { Base64URL.encode($0) }
    private let credential: @Sendable () async -> Credential
    /// The client no longer reads what we write.
    private let hasLeft: @Sendable () -> Void
    let loop: EventLoop
    private let input = WorkerPool(threads: 1, queueLimit: 1, name: "stdin")
    private let output = WorkerPool(threads: 1, queueLimit: 4 * callsMax, name: "stdout")
    private let underWay = CallsUnderWay()
    private let slots = Slots(count: callsMax)
    /// The revision that `initialize` settled; handshake-era messages do not repeat it.
    private let settled = Mutex(ProtocolVersion.assumed)
    /// Half of the calls at most may wait for answers, or there would be none left to end by
    /// itself, and the pipe on which the answers come would not be read any more.
    private let questions = Questions(most: callsMax / 2)
    /// What the client of the handshake era said that it can.
    private let capabilities = Mutex(ClientCapabilities.none)
    /// Whether the client has shaken hands, so that it is told of changes without asking.
    private let isToldOfChanges = Mutex(false)

    /// `credential` is asked for every message, so that a renewed token is used at once.
    init(
        current: CurrentServing, loop: EventLoop,
        credential: @escaping @Sendable () async -> Credential,
        hasLeft: @escaping @Sendable () -> Void
    ) {
        self.hasLeft = hasLeft
        self.current = current
        self.loop = loop
        self.credential = credential
    }

    /// Returns when the client has closed its end; `drain` comes after it.
    func untilLeft() async {
        var splitter = LineSplitter()
        while let bytes = await read() {
            for line in splitter.split(bytes) { await receive(line) }
        }
        if let last = splitter.end() { await receive(.whole(last)) }
    }

    /// Ends subscriptions, lets calls under way end, and stops those that take too long.
    func drain(until deadline: MonotonicTime) async {
        current.subscriptions.endAll()
        questions.endAll()
        let limit = Task(executorPreference: loop) { [loop, underWay, slots] in
            do { try await loop.sleep(until: deadline) } catch { return }
            underWay.cancelAll()
            // What is left after that waits for a client that reads nothing any more.
            try? await loop.sleep(until: deadline.advanced(by: Self.cancelLimit))
            slots.giveUp()
        }
        await slots.takeAll()
        limit.cancel()
    }

    private func receive(_ line: LineSplitter.Line) async {
        let message: Message
        do throws(RPCError) {
            guard case .whole(let bytes) = line else {
                throw RPCError(.invalidRequest, "The message is longer than 4 MiB.")
            }
            message = try Message(bytes)
        } catch {
            if !error.isOfNotification { await write(Reply.error(error)) }
            return
        }
        switch message {
        case .response(let response): await receive(response)
        case .notification(let method, let params):
            if method == "notifications/cancelled",
                let id = params["requestId"].flatMap({ RequestID($0) })
            {
                underWay.cancel(CallsUnderWay.Key(session: "", request: id))
            }
            if method == "notifications/initialized" { await tellOfChanges() }
        case .request(let request):
            await slots.take()
            await start(request)
        }
    }

    private func start(_ request: Request) async {
        let key = CallsUnderWay.Key(session: "", request: request.id)
        let call = underWay.start(key, on: loop) {
            await self.answer(request)
            self.slots.giveBack()
        }
        if call == nil {
            await write(Reply.error(.idUnderWay(request.id)))
            slots.giveBack()
        }
    }

    private func answer(_ request: Request) async {
        let message: [UInt8]
        do throws(RPCError) {
            message = Reply.result(try await result(of: request), to: request.id).inOnePiece
        } catch {
            message = Reply.error(error, to: request.id)
        }
        // A cancelled request gets no answer (2025-11-25 cancellation, 2026-07-28 stdio); the
        // handshake cannot be cancelled.
        guard !Task.isCancelled || request.method == "initialize" else { return }
        await write(message)
        // The result is the graceful end (2026-07-28 subscriptions); the notification besides is
        // demanded for every stream that a server tears down (2026-07-28 cancellation).
        if request.method == Listen.method {
            await write(
                Reply.notification(
                    "notifications/cancelled", params: ["requestId": request.id.json]))
        }
    }

    private func result(of request: Request) async throws(RPCError) -> [[UInt8]] {
        let serving = current.value
        let caller: IdentifiedCaller
        do throws(Refusal) {
            caller = try await serving.gate.identify(await credential(), at: "")
        } catch {
            throw RPCError(.invalidRequest, error.told, id: request.id)
        }
        let version = try version(of: request)
        let peer = Peer(
            caller: caller, via: Transport(kind: .stdio, address: ""), version: version,
            traceparent: nil, session: session, channel: self, prompt: prompt(for: caller, version),
            loop: loop)
        let router = MethodRouter(serving: serving, subscriptions: current.subscriptions)
        return try await router.answer(request, from: peer)
    }

    /// Whose pipe it is must be shown again: who answers a question is who may call.
    private func receive(_ response: Response) async {
        guard
            let caller = try? await current.value.gate.identify(await credential(), at: "")
        else { return }
        questions.receive(response, from: Questions.Addressee(session: "", caller: caller))
    }

    private func prompt(
        for caller: IdentifiedCaller, _ version: ProtocolVersion
    ) -> ChannelPrompt? {
        guard version.asksOnStream, capabilities.withLock({ $0.showsForms }) else { return nil }
        return ChannelPrompt(
            questions: questions, addressee: Questions.Addressee(session: "", caller: caller),
            channel: self)
    }

    /// For a client that has shaken hands, until the pipe ends.
    private func tellOfChanges() async {
        let isTold = isToldOfChanges.withLock { isTold in
            defer { isTold = true }
            return isTold
        }
        guard !isTold,
            let caller = try? await current.value.gate.identify(await credential(), at: ""),
            let subscriber = current.subscriptions.open(for: caller, settled.withLock { $0 })
        else { return }
        Task(executorPreference: loop) {
            while let event = await subscriber.next() {
                switch event {
                case .toolsChanged: await self.write(ToolsList.changed())
                // Tasks belong to the other era, where a request of its own asks for them.
                case .taskChanged: break
                }
            }
            self.current.subscriptions.close(subscriber)
        }
    }

    private func version(of request: Request) throws(RPCError) -> ProtocolVersion {
        if Envelope.version(of: request) != nil {
            try Envelope.checkPresence(in: request)
            return .v20260728
        }
        if request.method == "server/discover" { try Envelope.checkPresence(in: request) }
        if request.method == "initialize", let wanted = request.params["protocolVersion"]?.string {
            let version = Initialize.negotiated(wanted)
            settled.withLock { $0 = version }
            let declared = ClientCapabilities(request.params["capabilities"])
            capabilities.withLock { $0 = declared }
        }
        return settled.withLock { $0 }
    }

    // MARK: The pipe

    func send(_ message: [UInt8]) async -> Bool { await write(message) }

    private func read() async -> [UInt8]? {
        let chunk = try? await input.run { _ in
            var buffer = [UInt8](repeating: 0, count: 64 * 1024)
            let count = unsafe Glibc.read(STDIN_FILENO, &buffer, buffer.count)
            return count > 0 ? Array(buffer.prefix(count)) : []
        }
        return chunk.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// One thread writes, so lines never mix; a client that does not read holds up only itself.
    /// False when it can never be read: then nothing more is run for this client.
    @discardableResult
    private func write(_ message: [UInt8]) async -> Bool {
        let isRead = try? await output.run { _ in StandardStream.output.write(message + [0x0A]) }
        if isRead == false {
            underWay.cancelAll()
            hasLeft()
        }
        return isRead ?? false
    }
}
