import JSON
import Synchronization

/// Threads for work that would hold up whoever else is served on the same one: to mask a megabyte
/// takes as long as a thousand small calls.
package protocol Aside: Sendable {
    /// Returns on the caller's own thread again.
    func run<T: Sendable>(_ work: @escaping @Sendable () -> T) async -> T
}

/// An answer on its way to another thread: who takes it has it alone, and need not copy what it
/// changes.
final class Handover: Sendable {
    private let result: Mutex<RawResult>

    init(_ result: consuming RawResult) { self.result = Mutex(result) }

    /// Empty the second time.
    func take() -> RawResult {
        result.withLock { result in
            defer { result = RawResult(.text("")) }
            return result
        }
    }
}

/// Up to here work is done where it stands, since to change threads costs more.
let inlineBytesMax = 64 << 10

extension ResultContent {
    func isLarger(than bytes: Int) -> Bool {
        switch self {
        case .rows(let rows): rows.byteCount > bytes
        case .document(let document): document.isLarger(than: bytes)
        case .text(let text): text.utf8.count > bytes
        // No mask reads it.
        case .binary: false
        }
    }
}

extension JSONValue {
    /// Whether its texts, numbers and names are. No longer asked than needed for the answer.
    func isLarger(than bytes: Int) -> Bool {
        var left = bytes
        return !fits(into: &left)
    }

    private func fits(into left: inout Int) -> Bool {
        switch self {
        case .null, .bool: left -= 1
        case .number(let number): left -= number.text.utf8.count
        case .string(let text): left -= text.utf8.count
        case .array(let values):
            for value in values where !value.fits(into: &left) { return false }
        case .object(let object):
            for member in object.members {
                left -= member.name.utf8.count
                if !member.value.fits(into: &left) { return false }
            }
        }
        return left >= 0
    }
}
