import JSON
import TestSupport

@testable import Enforcement

/// A small world of callers, people and two server processes on one store, in which anything may
/// happen between any two steps of anything. All chance comes from one seed. It keeps its own
/// account of who agreed to what, and holds every run against that.
actor ApprovalModel {
    /// A person's yes, with what they were shown.
    private struct Agreement {
        let person: Caller
        let caller: Caller
        let tool: Name
        let arguments: JSONObject
        /// How long after it was asked for.
        let after: Int
        let isForced: Bool
    }

    private struct Edit {
        let handle: Name
        var number: Int
        let editor: Caller
        let arguments: JSONObject
        var isSure = false
    }

    /// What a caller sent, and so may run.
    enum Sent: Sendable {
        case arguments(JSONObject)
        /// By its handle, told of so many changes.
        case edit(Int)
    }

    @TaskLocal static var caller: Caller?
    @TaskLocal static var sent: Sent?

    private static let people = [
        person("ada", ["support", "finance", "fraud"]), person("bob", ["support", "finance"]),
        person("fin", ["finance"]), person("fio", ["finance", "fraud"]), person("sue", ["support"]),
        person("mia", ["managers"]), person("olga", ["oncall"]),
    ]
    private static let agent = Caller(
        issuer: "a", subject: "bot", kind: .agent, onBehalfOf: "fin",
        groups: ["support", "finance", "fraud"])
    private static let callers = [people[0], people[1], people[4], agent]
    private static let rules = [
        rule("two", of: "finance", count: 2, on: ["refund", "close"], hold: .seconds(45)),
        rule("fraud", of: "fraud", count: 1, on: ["close", "block"], hold: .zero),
    ]

    private static func person(_ name: String, _ groups: [Name]) -> Caller {
        Caller(issuer: "a", subject: name, groups: groups)
    }

    private static func rule(
        _ id: Name, of group: Name, count: Int, on tools: [JSONValue], hold: Duration
    ) -> Rule {
        var demand = ApprovalDemand(groups: [group], count: count, expires: 60, hold: hold)
        demand.escalation = ApprovalDemand.Escalation(after: 20, groups: ["managers"])
        if count > 1 { demand.force = ["oncall"] }
        return Rule(
            id: id, effect: .approve, when: .fact(.toolName, .oneOf(tools)), reason: "r",
            approval: demand)
    }

    private let flaw: ModelStore.Flaw
    private let state = MemoryState()
    private let clock = ManualClock()
    private var random: SplitMix
    private var processes: [(process: ModelProcess, gate: Gate, desk: ApprovalDesk)] = []
    private var started = 0
    private var depth = 0
    /// In the order in which they were made; the handles themselves are other ones each time.
    private var handles: [Name] = []
    private var agreements: [Name: [Agreement]] = [:]
    /// What was asked for, and what somebody meant each change to make of it.
    private var asked: [Name: JSONObject] = [:]
    private var edits: [Edit] = []
    /// Said no to, or withdrawn, and told so.
    private var ended: Set<Name> = []
    private var runs: [Name: Int] = [:]
    private(set) var broken: [String] = []
    private(set) var endings: [String: Int] = [:]

    init(seed: UInt64, flaw: ModelStore.Flaw = .none) {
        random = SplitMix(seed: seed)
        self.flaw = flaw
    }

    private func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &random) < percent
    }

    private func one<Element>(of elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &random)]
    }

    // MARK: What happens

    func play(steps: Int) async throws {
        processes = [try start(), try start()]
        for _ in 0..<steps where broken.isEmpty {
            if chance(15) { clock.advance(by: Int.random(in: 1...40, using: &random)) }
            await act(in: Int.random(in: 0..<2, using: &random))
            for place in processes.indices where !processes[place].process.isAlive {
                processes[place] = try start()
            }
        }
    }

    private func start() throws -> (ModelProcess, Gate, ApprovalDesk) {
        started += 1
        let process = ModelProcess(Name("process \(started)"), on: state)
        let store = ModelStore(process: process, inner: state, world: self, flaw: flaw)
        let now = { @Sendable [clock] in clock.now }
        let sink = ModelSink(process: process)
        let tools = try ["refund", "close", "block"].map { (name) throws in
            try Tool.sample(Name(name), effect: .write, columns: [])
        }
        let gate = Gate(
            identity: IdentityStage(issuers: TrustedIssuers([]), localUsers: [], now: now),
            limits: LimitStage(callsMax: 100), tools: tools,
            policy: Policy(grants: GateFixture.grants, rules: Self.rules),
            backend: ModelBackend(process: process, world: self), sink: sink,
            approving: ApprovalMeans(store: store, version: "1"), now: now)
        return (process, gate, ApprovalDesk(store: store, sink: sink, now: now))
    }

    private func act(in place: Int) async {
        let server = processes[place]
        guard server.process.isAlive else { return }
        depth += 1
        defer { depth -= 1 }
        let handle = await anyHandle()
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<25: await call(one(of: Self.callers), server.gate)
        case 25..<45: if let handle { await resume(handle, server.gate) }
        case 45..<48: if let handle { await withdraw(handle, server.gate) }
        case 48..<50: if let handle { await reject(handle, server.desk) }
        case 50..<51: server.process.kill()
        case 51..<60: if let handle { await modify(handle, server) }
        case 60..<66: if let handle { await agree(.force(reason: "n"), handle, server.desk) }
        default: if let handle { await agree(.approve, handle, server.desk) }
        }
    }

    /// Of a request that somebody may know, whatever became of it.
    private func anyHandle() async -> Name? {
        var open: [Name] = []
        for handle in handles {
            let phase = try? await state.entry(.approval, handle)?.phase.text
            if ["pending", "approved", "running"].contains(phase) { open.append(handle) }
        }
        let among = open.isEmpty || chance(10) ? handles : open
        return among.isEmpty ? nil : one(of: among)
    }

    private func call(_ caller: Caller, _ gate: Gate) async {
        let tool = one(of: ["refund", "close", "block"])
        let id = Int.random(in: 1...2, using: &random)
        let arguments = JSONObject(("id", .number(JSONNumber(id))))
        await answer(caller, tool, arguments, gate, meaning: .arguments(arguments))
    }

    private func resume(_ handle: Name, _ gate: Gate) async {
        let owner = try? await state.entry(.approval, handle)?.owner
        let theirs = Self.callers.first { $0.mark == owner } ?? Self.agent
        let wait = JSONValue.number(JSONNumber(chance(80) ? 0 : 5))
        var arguments = JSONObject(("handle", .string(handle.text)), ("wait", wait))
        let caller = chance(80) ? theirs : one(of: Self.callers)
        let entry = try? await state.entry(.approval, handle)
        var edit = entry.flatMap { ApprovalRequest($0) }?.edits.count ?? 0
        if chance(20) { edit = Int.random(in: 0...2, using: &random) }
        if edit > 0 { arguments["edit"] = .number(JSONNumber(edit)) }
        await answer(caller, ApprovalResult.name.text, arguments, gate, meaning: .edit(edit))
    }

    private func withdraw(_ handle: Name, _ gate: Gate) async {
        let arguments = JSONObject(("handle", .string(handle.text)), ("cancel", true))
        let outcome = await answer(
            one(of: Self.callers), ApprovalResult.name.text, arguments, gate, meaning: nil)
        if outcome.refusal?.code == .cancelled { ended.insert(handle) }
    }

    @discardableResult
    private func answer(
        _ caller: Caller, _ tool: String, _ arguments: JSONObject, _ gate: Gate,
        meaning sent: Sent?
    ) async -> Outcome {
        let arrived = ArrivedCall(
            caller: .supposed(caller), tool: tool, arguments: arguments,
            via: Transport(kind: .http, address: ""))
        // Each in a task of its own, which alone is cancelled when its caller goes away.
        let outcome = await Self.$caller.withValue(caller) {
            await Self.$sent.withValue(sent) { await Task { await gate.answer(arrived) }.value }
        }
        endings[outcome.refusal?.code.rawValue ?? "ok", default: 0] += 1
        return outcome
    }

    private func agree(
        _ decision: ApprovalDesk.Decision, _ handle: Name, _ desk: ApprovalDesk
    ) async {
        let person = one(
            of: chance(60) ? [Self.people[2], Self.people[3]] : Self.people + [Self.agent])
        guard let seen = try? await desk.find(handle.text) else { return }
        var isForced = false
        if case .force = decision { isForced = true }
        let agreement = Agreement(
            person: person, caller: seen.caller, tool: seen.tool, arguments: seen.arguments,
            after: clock.now - seen.created, isForced: isForced)
        // Before they decide somebody may change what they looked at.
        if chance(20) { await act(in: Int.random(in: 0..<2, using: &random)) }
        do throws(ApprovalObjection) {
            _ = try await desk.decide(
                handle, decision, by: IdentifiedCaller.supposed(person), seeing: seen.edits.count)
            agreements[handle, default: []].append(agreement)
        } catch {
            // Of a process that is killed nobody knows whether the yes was stored.
            if case .unusable = error { agreements[handle, default: []].append(agreement) }
            endings["objection \("\(error)".prefix(5))", default: 0] += 1
        }
    }

    private func modify(
        _ handle: Name, _ server: (process: ModelProcess, gate: Gate, desk: ApprovalDesk)
    ) async {
        let editor = one(of: Self.people)
        guard let seen = try? await server.desk.find(handle.text) else { return }
        let id = JSONValue.number(JSONNumber(Int.random(in: 1...3, using: &random)))
        guard let edit = try? await server.gate.edit(seen, changing: JSONObject(("id", id))) else {
            return
        }
        // Known beforehand: of a process that is killed nobody knows whether it was stored.
        let number = seen.edits.count + 1
        let place = edits.count
        edits.append(
            Edit(handle: handle, number: number, editor: editor, arguments: edit.arguments))
        do throws(ApprovalObjection) {
            _ = try await server.desk.decide(
                handle, .modify(edit), by: IdentifiedCaller.supposed(editor), seeing: number - 1)
            edits[place].isSure = true
            endings["modified", default: 0] += 1
        } catch {
            if case .unusable = error { return }
            edits[place].number = -1
        }
    }

    private func reject(_ handle: Name, _ desk: ApprovalDesk) async {
        let person = one(of: Self.people)
        let rejected = try? await desk.decide(
            handle, .reject(reason: "n"), by: IdentifiedCaller.supposed(person))
        if rejected != nil { ended.insert(handle) }
    }

    // MARK: In between

    /// What others do before a step of this process.
    func interject(_ process: ModelProcess) async {
        guard depth < 3, chance(25) else { return }
        await act(in: Int.random(in: 0..<2, using: &random))
    }

    func opened(_ entry: StateEntry) {
        handles.append(entry.id)
        asked[entry.id] = ApprovalRequest(entry)?.arguments
    }

    func mayKill(_ process: ModelProcess) {
        if chance(2) { process.kill() }
    }

    /// False where the one who waits goes away.
    func passTime(_ process: ModelProcess) async -> Bool {
        guard depth < 3, process.isAlive else { return false }
        await act(in: Int.random(in: 0..<2, using: &random))
        return chance(75)
    }

    /// A run, as the backend sees it. Here everything must be true.
    func run(_ job: Job, in process: ModelProcess) async -> BackendError? {
        let handle = Name(job.call)
        guard let caller = Self.caller else {
            broken.append("a run of nobody")
            return nil
        }
        if chance(8) { return BackendError(.busy, detail: "") }
        judge(job, handle, of: caller)
        if depth < 3, chance(30) { await act(in: Int.random(in: 0..<2, using: &random)) }
        if chance(8) { process.kill() }
        if chance(5) { return BackendError(.unknown, detail: "") }
        return chance(5) ? BackendError(.failed, detail: "") : nil
    }

    private func judge(_ job: Job, _ handle: Name, of caller: Caller) {
        runs[handle, default: 0] += 1
        if runs[handle] != 1 { broken.append("\(handle) ran twice") }
        if ended.contains(handle) { broken.append("\(handle) ran after its end") }
        if !isMeant(job, handle) { broken.append("\(handle) ran as its caller did not mean it") }
        let agreed = (agreements[handle] ?? []).filter { yes in
            let person = yes.person
            let hasEdited = edits.contains {
                $0.isSure && $0.handle == handle && $0.editor.subject == person.subject
            }
            return !hasEdited && yes.caller.mark == caller.mark && yes.tool == job.tool.name
                && yes.arguments.json == job.arguments.json && person.kind == .human
                && person.subject != caller.subject && person.subject != caller.onBehalfOf
        }
        for rule in Self.rules where rule.covers(job.tool.name) {
            let isForced = agreed.contains { yes in
                yes.isForced && !Set(yes.person.groups).isDisjoint(with: rule.approval?.force ?? [])
            }
            let counted = agreed.filter { yes in
                var groups = rule.approval?.groups ?? []
                if yes.after >= 20 { groups += rule.approval?.escalation?.groups ?? [] }
                return !Set(yes.person.groups).isDisjoint(with: groups)
            }
            let count = Set(counted.map(\.person.subject)).count
            if !isForced, count < rule.approval?.count ?? .max {
                broken.append("\(handle) ran without the approval of \(rule.id)")
            }
        }
    }
}

extension ApprovalModel {
    /// Whether the caller sent these arguments, or was told of the change that made them.
    private func isMeant(_ job: Job, _ handle: Name) -> Bool {
        switch Self.sent {
        case .arguments(let sent): sent.json == job.arguments.json
        case .edit(0), nil: asked[handle]?.json == job.arguments.json
        case .edit(let number):
            edits.contains { edit in
                edit.handle == handle && edit.number == number
                    && edit.arguments.json == job.arguments.json
            }
        }
    }
}

extension JSONObject {
    fileprivate var json: [UInt8] { JSONValue.object(self).canonicalBytes }
}

extension Rule {
    fileprivate func covers(_ tool: Name) -> Bool {
        guard case .fact(.toolName, .oneOf(let names)) = when else { return false }
        return names.contains(.string(tool.text))
    }
}
