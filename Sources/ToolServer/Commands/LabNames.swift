import Backends
import EventLoop
import JSON
import Synchronization

/// Names as a line of the lab gives them, so that a rule's author can try what a name server might
/// say: `"resolver": {"rebind.example": [["192.0.2.1"], ["127.0.0.1"]]}`, one list for each time it
/// is asked and the last again and again. A line without asks this machine.
final class LabNames: NameLookup {
    private let system = SystemNameLookup()
    private let scripted = Mutex<[Name: [[[UInt8]]]]?>(nil)

    /// For the next line.
    func script(_ value: JSONValue?) throws(UsageError) {
        guard let value else { return scripted.withLock { $0 = nil } }
        guard case .object(let object) = value else {
            throw UsageError("`resolver` must be an object of names")
        }
        var answers: [Name: [[[UInt8]]]] = [:]
        for member in object.members {
            guard let lists = Self.lists(member.value) else {
                throw UsageError("`resolver.\(member.name)` must be a list of lists of addresses")
            }
            answers[Name(HostName.canonical(member.name) ?? member.name)] = lists
        }
        scripted.withLock { $0 = answers }
    }

    private static func lists(_ value: JSONValue) -> [[[UInt8]]]? {
        guard let lists = value.array, !lists.isEmpty else { return nil }
        let parsed = lists.compactMap { list -> [[UInt8]]? in
            let addresses = list.array?.compactMap { address in
                address.string.flatMap { SocketAddress(ip: $0, port: 0)?.bytes }
            }
            return addresses?.count == list.array?.count ? addresses : nil
        }
        return parsed.count == lists.count ? parsed : nil
    }

    func addresses(
        of name: String, on loop: EventLoop, deadline: MonotonicTime
    ) async throws(NameLookupError) -> [[UInt8]] {
        let answer: [[UInt8]]? = scripted.withLock { scripted in
            guard scripted != nil else { return nil }
            guard let lists = scripted?[Name(name)], let first = lists.first else { return [] }
            if lists.count > 1 { scripted?[Name(name)]?.removeFirst() }
            return first
        }
        guard let answer else {
            return try await system.addresses(of: name, on: loop, deadline: deadline)
        }
        guard !answer.isEmpty else { throw .unknown }
        return answer
    }
}
