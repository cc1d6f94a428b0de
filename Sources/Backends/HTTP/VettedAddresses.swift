internal import Enforcement
internal import EventLoop
internal import JSON

/// Where a host may be reached: its name is looked up once, and every address that it has must be
/// one that is meant, since who gives a name two of them chooses which one is taken.
struct VettedAddresses: Sendable {
    let egress: EgressRules
    let names: any NameLookup
    let patience: Duration

    /// Nil where one of them is not meant.
    func resolve(
        _ host: String, before deadline: MonotonicTime
    ) async throws(BackendError) -> [[UInt8]]? {
        var found: [[UInt8]] = []
        if let literal = HostName.address(host) {
            found = [literal]
        } else {
            let loop = try Self.loop()
            do throws(NameLookupError) {
                found = try await names.addresses(
                    of: host, on: loop, deadline: min(deadline, loop.now.advanced(by: patience)))
            } catch {
                throw BackendError(error)
            }
        }
        return found.allSatisfy { egress.allows($0, for: host) } ? found : nil
    }

    /// As the client asks for them.
    func addresses(
        of origin: HTTPClient.Origin, known: [[UInt8]] = [], before deadline: MonotonicTime
    ) async throws(HTTPClientError) -> [SocketAddress] {
        var found: [[UInt8]]? = known
        if known.isEmpty {
            do throws(BackendError) {
                found = try await resolve(origin.host, before: deadline)
            } catch {
                throw error.reason == .cancelled ? .cancelled : .nowhere
            }
        }
        guard let found else { throw .forbidden }
        return found.compactMap { SocketAddress(bytes: $0, port: origin.port) }
    }

    static func loop() throws(BackendError) -> EventLoop {
        if let loop = EventLoop.current { return loop }
        throw BackendError(.failed, detail: "called on no loop")
    }
}
