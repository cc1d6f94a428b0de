package import EventLoop

/// Framed syslog messages over one connection (RFC 6587 and, with TLS, RFC 5425).
///
/// The protocol has no answer: what the kernel of the other side took may still be lost with its
/// process. So whoever uses this counts as arrived only what was sent a while before on a
/// connection that still stands.
///
/// Sendable although it has a plain variable: it is touched on its loop only, by one task.
package final class SyslogDelivery: @unchecked Sendable {
    private static let limit = Duration.seconds(10)

    private let place: DeliveryPlace
    private let names: any NameLookup
    private var connection: OutboundConnection?

    package init(_ place: DeliveryPlace, names: any NameLookup) {
        self.place = place
        self.names = names
    }

    /// Returns when the kernel has all of it.
    package func deliver(_ frames: [UInt8]) async throws(DeliveryFailure) {
        let used = try await standing()
        let deadline = used.loop.now.advanced(by: Self.limit)
        do throws(OutboundError) { try await used.send(frames, deadline: deadline) } catch {
            close()
            throw DeliveryFailure(reason: "\(error)")
        }
    }

    /// Whether the other side has neither ended the connection nor broken it. Only what was said
    /// before the connection is known to have stood later.
    package func isStanding() -> Bool {
        guard let connection, connection.isIdle() else {
            close()
            return false
        }
        return true
    }

    package func close() {
        connection?.close()
        connection = nil
    }

    private func standing() async throws(DeliveryFailure) -> OutboundConnection {
        if let connection, isStanding() { return connection }
        guard let loop = EventLoop.current else { throw DeliveryFailure(reason: "on no loop") }
        let deadline = loop.now.advanced(by: Self.limit)
        let found: [SocketAddress]
        do throws(HTTPClientError) {
            found = try await place.addresses(by: names)
                .addresses(of: place.origin, before: deadline)
        } catch {
            throw DeliveryFailure(reason: "\(error)")
        }
        var last = DeliveryFailure(reason: "no address")
        for address in found {
            do throws(OutboundError) {
                let opened = try await OutboundConnection.open(
                    to: address, tls: security, on: loop, deadline: deadline)
                connection = opened
                return opened
            } catch { last = DeliveryFailure(reason: "\(error)") }
        }
        throw last
    }

    private var security: OutboundConnection.Security? {
        place.security.map { .init($0, name: place.origin.name) }
    }
}
