import Backends
import Enforcement
import EventLoop
import Glibc
import JSON

/// Where a stream's batches go.
protocol StreamTarget: Sendable {
    /// How long a batch must have been sent, on a way that still stands, to count as arrived.
    var settling: Duration { get }
    /// Called on the stream's loop, one batch at a time.
    func deliver(_ batch: StreamBatch) async throws(DeliveryFailure)
    /// Whether nothing has been lost since, as far as can be known.
    func isStanding() -> Bool
    func close()
}

extension StreamTarget {
    var settling: Duration { .zero }
    func isStanding() -> Bool { true }
    func close() {}
}

/// Lines at the end of a file, synced before they count. It is opened anew for each batch, so it
/// may be renamed at any time.
struct FileTarget: StreamTarget {
    let path: String
    let workers: WorkerPool

    func deliver(_ batch: StreamBatch) async throws(DeliveryFailure) {
        let bytes = batch.lines
        let code: Int32
        do throws(WorkerPoolFull) {
            code = try await workers.run { [path] _ in Self.append(bytes, to: path) }
        } catch {
            throw DeliveryFailure(reason: "no thread to write")
        }
        if code != 0 { throw DeliveryFailure(reason: SystemText.error(code)) }
    }

    /// What a killed process left of a line is cut: the line comes again.
    static func append(_ bytes: [UInt8], to path: String) -> Int32 {
        let descriptor = unsafe open(
            path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return errno }
        defer { Glibc.close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return errno }
        guard status.st_mode & S_IFMT == S_IFREG else { return EINVAL }
        let end = FileTail.end(of: descriptor, size: status.st_size) { $0 == 0x0A }
        if end < status.st_size, ftruncate(descriptor, end) != 0 { return errno }
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe pwrite(
                    descriptor, buffer.baseAddress.map { unsafe $0 + written },
                    buffer.count - written, end + written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? EIO : errno }
            written += count
        }
        return fdatasync(descriptor) == 0 ? 0 : errno
    }
}

/// Messages of RFC 5424, facility 13 (log audit), each with its length in front.
struct SyslogTarget: StreamTarget {
    let delivery: SyslogDelivery
    let host: String
    let settling = Duration.seconds(2)

    init(_ delivery: SyslogDelivery) {
        self.delivery = delivery
        var name = [CChar](repeating: 0, count: 256)
        let isNamed = unsafe gethostname(&name, name.count - 1) == 0
        let bytes = name.prefix { $0 > 0x20 && $0 < 0x7F }.map { UInt8(bitPattern: $0) }
        host = isNamed && !bytes.isEmpty ? String(decoding: bytes, as: UTF8.self) : "-"
    }

    func deliver(_ batch: StreamBatch) async throws(DeliveryFailure) {
        var frames: [UInt8] = []
        for item in batch.items {
            let message = Self.message(item, log: batch.log, host: host)
            frames += "\(message.count) ".utf8
            frames += message
        }
        try await delivery.deliver(frames)
    }

    func isStanding() -> Bool { delivery.isStanding() }
    func close() { delivery.close() }

    /// A warning for what was refused, else informational.
    static func message(_ item: StreamBatch.Item, log: String, host: String) -> [UInt8] {
        let priority = 13 * 8 + (item.isRefused ? 4 : 6)
        return Array("<\(priority)>1 \(item.at) \(host) toolserver \(log) \(item.event) - ".utf8)
            + item.bytes
    }
}

/// A signed request for each batch, one line an event.
struct WebhookTarget: StreamTarget {
    let delivery: WebhookDelivery
    let key: KeptSecret

    func deliver(_ batch: StreamBatch) async throws(DeliveryFailure) {
        let secret: String
        do throws(BackendError) { secret = try await key.value() } catch {
            throw DeliveryFailure(reason: "the secret cannot be read")
        }
        try await delivery.deliver(
            batch.lines, batch: batch.name, at: Int(time(nil)), key: Array(secret.utf8))
    }
}
