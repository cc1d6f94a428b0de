import CLinux
import Glibc

// What every system call of this module goes through. It answers: did it work, must we wait, or
// which error was it? It never throws for "would block", which is no error, and never returns
// EBADF, which would be our own bug: writing on to a descriptor that another connection owns by
// now is how answers reach the wrong caller, so that stops the process.

/// An error number of the kernel with the call that gave it.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    package let call: String
    package let code: Int32

    package init(call: String, code: Int32) {
        self.call = call
        self.code = code
    }

    package var description: String {
        guard let text = unsafe strerror(code) else { return "\(call): error \(code)" }
        return unsafe "\(call): \(String(cString: text))"
    }
}

package enum IOOutcome: Equatable, Sendable {
    case done(Int)
    case wouldBlock
    case failed(Int32)
}

enum Syscall {
    /// Runs `body` until it is not interrupted by a signal.
    @inline(__always)
    static func outcome(_ body: () -> Int) -> IOOutcome {
        while true {
            let result = body()
            if result >= 0 { return .done(result) }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            case EBADF, EFAULT, ENOTSOCK:
                preconditionFailure("system call on a descriptor or buffer that is not ours")
            case let code: return .failed(code)
            }
        }
    }

    /// For calls that set things up, where "would block" cannot happen.
    @discardableResult
    static func setup(_ call: String, _ body: () -> Int32) throws(SystemError) -> Int32 {
        switch outcome({ Int(body()) }) {
        case .done(let result): return Int32(truncatingIfNeeded: result)
        case .wouldBlock: throw SystemError(call: call, code: EAGAIN)
        case .failed(let code): throw SystemError(call: call, code: code)
        }
    }

    @inline(__always)
    static func receive(
        _ descriptor: Int32, into buffer: inout [UInt8], atMost count: Int
    ) -> IOOutcome {
        unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe receive(
                descriptor, into: UnsafeMutableRawBufferPointer(rebasing: bytes.prefix(count)))
        }
    }

    @inline(__always)
    static func receive(
        _ descriptor: Int32, into bytes: UnsafeMutableRawBufferPointer
    ) -> IOOutcome {
        outcome { unsafe recv(descriptor, bytes.baseAddress, bytes.count, 0) }
    }

    /// MSG_NOSIGNAL beside the ignored SIGPIPE: a library may have turned the signal on again.
    @inline(__always)
    static func send(_ descriptor: Int32, _ bytes: [UInt8], from offset: Int) -> IOOutcome {
        unsafe bytes.withUnsafeBytes { all in
            let rest = unsafe UnsafeRawBufferPointer(rebasing: all[offset...])
            return outcome {
                unsafe Glibc.send(
                    descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
        }
    }

    /// Head and body in one call without copying the body first.
    static func send(_ descriptor: Int32, _ head: [UInt8], _ body: [UInt8]) -> IOOutcome {
        unsafe head.withUnsafeBytes { headBytes in
            unsafe body.withUnsafeBytes { bodyBytes in
                let parts: [2 of iovec] = unsafe [
                    iovec(
                        iov_base: UnsafeMutableRawPointer(mutating: headBytes.baseAddress),
                        iov_len: headBytes.count),
                    iovec(
                        iov_base: UnsafeMutableRawPointer(mutating: bodyBytes.baseAddress),
                        iov_len: bodyBytes.count),
                ]
                return unsafe withUnsafePointer(to: parts) { pointer in
                    unsafe pointer.withMemoryRebound(to: iovec.self, capacity: 2) { vector in
                        outcome { unsafe writev(descriptor, vector, 2) }
                    }
                }
            }
        }
    }
}
