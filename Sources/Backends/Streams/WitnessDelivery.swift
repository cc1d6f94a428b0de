internal import Enforcement
package import EventLoop
internal import JSON

/// Checkpoints to a C2SP witness (`tlog-witness`): what it answers is left to the caller to judge.
///
/// Runs on a loop.
package struct WitnessDelivery: Sendable {
    private static let answerBytesMax = 16 << 10

    package enum Answer: Sendable, Equatable {
        /// Lines of cosignatures, not looked at yet.
        case cosigned([UInt8])
        /// It has another size than we thought; nil where it does not say which.
        case conflict(Int?)
        /// The checkpoint does not grow from what the witness has.
        case inconsistent
    }

    private let client: DeliveryClient
    private let target: String
    private let limit: Duration

    package init(
        _ place: DeliveryPlace, names: any NameLookup, limit: Duration = .seconds(10)
    ) {
        self.limit = limit
        client = DeliveryClient(place, names: names)
        let isClosed = place.url.path.utf8.last == UInt8(ascii: "/")
        target = place.url.path + (isClosed ? "" : "/") + "add-checkpoint"
    }

    /// `proof` in base64, for growth since `old` lines.
    package func add(
        _ note: String, old: Int, proof: [String]
    ) async throws(DeliveryFailure) -> Answer {
        let body = (["old \(old)"] + proof + ["", note]).joined(separator: "\n")
        let response = try await client.post(
            Array(body.utf8), of: "text/plain; charset=utf-8", to: target,
            answerBytesMax: Self.answerBytesMax, within: limit)
        switch response.status {
        case 200: return .cosigned(response.body)
        case 409: return .conflict(Self.size(response.body))
        case 422: return .inconsistent
        default: throw DeliveryFailure(reason: "status \(response.status)")
        }
    }

    /// Decimal digits and a line end, in the one way to write them.
    private static func size(_ body: [UInt8]) -> Int? {
        let digits = String(
            decoding: body.last == 0x0A ? body.dropLast() : body[...], as: UTF8.self)
        guard let size = Int(digits), size >= 0, "\(size)".isByteEqual(to: digits) else {
            return nil
        }
        return size
    }
}
