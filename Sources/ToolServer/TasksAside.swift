import EventLoop
import Synchronization

/// Tasks on a loop of their own, as long as the server runs: what they wait for reaches no call.
final class TasksAside: Sendable {
    /// For the operator.
    private let name: String
    private let group: EventLoopGroup?
    private let running = Mutex<[Task<Void, Never>]>([])

    /// Where there will be none, no loop is made.
    init(_ name: String, areNone: Bool) throws {
        self.name = name
        group = areNone ? nil : try EventLoopGroup(count: 1)
    }

    func start(_ bodies: [@Sendable (EventLoop) async -> Void]) {
        guard let group else { return }
        do { try group.start() } catch {
            StandardStream.error.line("\(name): no thread; they go on at the next start")
            return
        }
        let loop = group.next()
        let tasks = bodies.map { body in Task(executorPreference: loop) { await body(loop) } }
        running.withLock { $0 = tasks }
    }

    func stop() async {
        let tasks = running.withLock { tasks in
            defer { tasks = [] }
            return tasks
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }
}
