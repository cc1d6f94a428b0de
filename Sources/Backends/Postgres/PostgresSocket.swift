internal import CPostgres
internal import Glibc

/// What libpq has connected, read and written without its buffers and never waiting.
///
/// libpq reads a message whole, however long it is, and copies each row of a stream several times.
/// So it does what it alone can (hosts, TLS, authentication), and from then on the bytes are ours.
@safe
final class PostgresSocket {
    enum Outcome {
        case done(Int)
        case wouldBlock
        case failed
    }

    let number: Int32
    private let session: UnsafeMutableRawPointer?

    /// Nil where libpq still holds something that it read.
    init?(_ link: PostgresLink) {
        let handle = unsafe link.handle
        guard unsafe PQsetnonblocking(handle, 1) == 0, unsafe PQconsumeInput(handle) == 1,
            unsafe PQisBusy(handle) == 0, unsafe PQtransactionStatus(handle) == PQTRANS_IDLE
        else { return nil }
        number = unsafe PQsocket(handle)
        unsafe session = PQsslInUse(handle) != 0 ? PQgetssl(handle) : nil
    }

    /// TLS holds what it has decrypted: there a short read does not mean that nothing is left.
    var mayHoldMore: Bool { unsafe session != nil }

    /// False where the server has closed the connection, or has said something that is not read.
    var isQuiet: Bool {
        var byte: UInt8 = 0
        return unsafe recv(number, &byte, 1, Int32(MSG_PEEK)) < 0 && errno == EAGAIN
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Outcome {
        if let session = unsafe session {
            let count = unsafe cpostgres_tls_read(
                session, buffer.baseAddress, Int32(clamping: buffer.count))
            return Self.outcome(ofTLS: Int(count))
        }
        while true {
            let count = unsafe recv(number, buffer.baseAddress, buffer.count, 0)
            if count >= 0 { return .done(count) }
            guard errno == EINTR else { return errno == EAGAIN ? .wouldBlock : .failed }
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        if let session = unsafe session {
            let count = unsafe cpostgres_tls_write(
                session, bytes.baseAddress, Int32(clamping: bytes.count))
            return Self.outcome(ofTLS: Int(count))
        }
        while true {
            let count = unsafe send(number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if count >= 0 { return .done(count) }
            guard errno == EINTR else { return errno == EAGAIN ? .wouldBlock : .failed }
        }
    }

    private static func outcome(ofTLS count: Int) -> Outcome {
        switch count {
        case 0...: .done(count)
        case -1: .wouldBlock
        default: .failed
        }
    }
}

/// Ends what a connection's server is doing, from another connection. Blocks; for a worker.
///
/// `@unchecked Sendable`: libpq lets any thread use it, and it is immutable.
@safe
final class PostgresCanceller: @unchecked Sendable {
    private let handle: OpaquePointer

    init?(_ link: PostgresLink) {
        guard let handle = unsafe PQgetCancel(link.handle) else { return nil }
        unsafe self.handle = handle
    }

    deinit { unsafe PQfreeCancel(handle) }

    func cancel() {
        var unread = [CChar](repeating: 0, count: 256)
        _ = unsafe PQcancel(handle, &unread, Int32(unread.count))
    }
}
